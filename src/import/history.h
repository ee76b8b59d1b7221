/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Imports what a user has stored at another site: the ZIP export of Letterboxd,
 * ratings.csv and watchlist.csv of IMDb, the JSON export of Trakt (a ZIP or one
 * file), or the export of a site of this program. One transaction, see
 * sql/history.sql.
 */
#ifndef IMPORT_HISTORY_H
#define IMPORT_HISTORY_H

#include "base/base.h"

#include <signal.h>

#include "db/db.h"
#include "import/report.h"

/* Limits of a file; `failure` is "too_large" beyond. */
#define HISTORY_FILES_MAX 5000                       /* in a ZIP file */
#define HISTORY_LINES_MAX 100000                     /* records of all files */
#define HISTORY_BYTES_MAX ((size_t)64 * 1024 * 1024) /* decompressed */

struct history_import {
	struct db *db;
	TALLOC_CTX *mem; /* owns the results */
	int64_t user_id;
	const char *name; /* of the file */
	const void *data;
	size_t len;
	bool dry_run; /* roll back at the end */
	bool replace; /* ratings and reviews that exist */
	const volatile sig_atomic_t *stop;
	/* Called with 0 to 100; may be NULL. Not within the transaction. */
	void (*progress)(struct history_import *h, int percent);
	/* The last step of the transaction; may be NULL. */
	enum err (*finish)(struct history_import *h);
	void *arg; /* of the caller */

	const char *json;     /* the report */
	struct report report; /* its counts, for mxmctl */
	const char *notes;    /* the first skipped records, a line each */
	const char *failure;  /* format, encrypted, broken, too_large */
	const char *why;      /* the error message */
};

/*
 * ERR_INVALID: the file cannot be used, for the reasons in `failure` and `why`;
 * ERR_UNAVAILABLE: the database is unavailable, or *stop was set. After an
 * error nothing was changed.
 */
enum err history_import(struct history_import *h);

#endif
