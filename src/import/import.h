/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bringing whole collections in: MovieLens, and the demonstration catalogue. An
 * import is one transaction, so that there is never half of one. It adds what
 * is missing and leaves alone what is there. It knows no command line.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/base.h"

#include <signal.h>

#include "db/db.h"
#include "db/stmt.h"
#include "import/progress.h"
#include "import/report.h"

struct import {
	struct db *db;
	TALLOC_CTX *mem;
	const char *dir;
	const char
	    *media_root; /* where pictures are copied to; NULL: nowhere */
	bool dry_run;    /* all is done, and undone */
	bool no_members; /* of the demonstration, the catalogue only */
	const volatile sig_atomic_t *stop; /* set by a signal's handler */
	struct progress progress;
	struct report report;
	const char *why; /* after a failure: a sentence */
};

/*
 * Both: ERR_OK; ERR_NOT_FOUND a file that is missing; ERR_INVALID one that is
 * not what it should be; ERR_CONFLICT another import is running;
 * ERR_UNAVAILABLE the database is away, or *stop was set. Nothing was changed
 * unless it is ERR_OK; `why` tells the rest.
 */

/* movies.csv and ratings.csv of `dir`, and links.csv if it is there. */
enum err import_movielens(struct import *im);

/* The files of demo/README. */
enum err import_demo(struct import *im);

/* ------------------------------------------------ what the imports share */

/* Runs fn(im) as the transaction of an import, with its settings and lock. */
enum err import_run(struct import *im, enum err (*fn)(struct import *));

/* Sets `why`, and returns e. */
enum err import_fail(struct import *im, enum err e, const char *fmt, ...)
    printf_like(3, 4);

/* true, with `why` set, when a signal asked for an end. */
bool import_stopped(struct import *im);

/* Path of a file of the collection, below im->mem. */
const char *import_path(const struct import *im, const char *file);

/*
 * Runs a statement without parameters; a failure becomes `why`. `count` gets
 * the number of rows and may be NULL.
 */
enum err import_exec(struct import *im, enum stmt s, long *count);

/*
 * Runs a statement that gives what is passed over (line, why, total), and
 * reports it. `count` may be NULL.
 */
enum err import_skips(struct import *im, enum stmt s, const char *file,
    const char *sort, long *count);

/* Failures of statements, and of copies, become `why`. */
enum err import_database_failed(struct import *im, enum err e);

#endif
