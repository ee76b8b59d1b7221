/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bulk imports of catalogues. An import is one transaction. It inserts missing
 * rows and does not change existing ones.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/base.h"

#include <signal.h>

#include "db/db.h"
#include "db/stmt.h"
#include "import/progress.h"
#include "import/report.h"

/* Which titles of IMDb's files are imported. */
struct import_filter {
	const char *types; /* "|movie|tvMovie|" */
	long from;         /* years; 0: unlimited */
	long to;
	long votes; /* minimum */
	bool adult;
};

struct import {
	struct db *db;
	TALLOC_CTX *mem;
	const char *dir;
	const char *media_root;            /* target of pictures; NULL: none */
	const char *media;                 /* original: pictures; NULL: none */
	bool dry_run;                      /* roll back at the end */
	bool is_database;                  /* any share may be skipped */
	bool strict;                       /* for mxmctl: a status of its own */
	bool no_members;                   /* demo: only the catalogue */
	struct import_filter filter;       /* imdb */
	const volatile sig_atomic_t *stop; /* set by a signal handler */
	struct progress progress;
	struct report report;
	const char *why; /* the error message */
};

/*
 * Results of all: ERR_OK; ERR_NOT_FOUND, a file is missing; ERR_INVALID, a
 * file is invalid; ERR_CONFLICT, another import is running; ERR_UNAVAILABLE,
 * the database is unavailable, or *stop was set. After an error nothing was
 * changed; see `why`.
 */

/* movies.csv and ratings.csv of `dir`, and links.csv if it exists. */
enum err import_movielens(struct import *im);

/* The files of demo/README. */
enum err import_demo(struct import *im);

/* title.basics, title.principals, name.basics (title.ratings) of IMDb. */
enum err import_imdb(struct import *im);

/* movies.csv and credits.csv of TMDB. */
enum err import_tmdb(struct import *im);

/*
 * The database of the original service: `dir` is a connection string of libpq
 * or a name. ERR_INVALID: it is another one; ERR_CONFLICT: the site has other
 * rows with the same ids, too.
 */
enum err import_original(struct import *im);

/* The files of mxmctl export; ERR_INVALID also: the site is not empty. */
enum err import_site(struct import *im);

/* ------------------------------------------------ what the imports share */

/* Runs fn(im) as the transaction of an import, with its settings and lock. */
enum err import_run(struct import *im, enum err (*fn)(struct import *));

/* Sets `why`, and returns e. */
enum err import_fail(struct import *im, enum err e, const char *fmt, ...)
    printf_like(3, 4);

/* true, with `why` set, if a signal was received. */
bool import_stopped(struct import *im);

/* Path of a file of the collection, or of <file>.gz, below im->mem. */
const char *import_path(const struct import *im, const char *file);

/* The first of these files that exists; else the first one. */
const char *import_first(
    const struct import *im, const char *const *files, size_t n);

/*
 * Runs a statement without parameters; an error sets `why`. `count` is the
 * number of rows and may be NULL.
 */
enum err import_exec(struct import *im, enum stmt s, long *count);

/* Runs statements one after the other. */
enum err import_exec_all(
    struct import *im, const enum stmt *statements, size_t n);

/*
 * Runs a statement that returns lines (line, why, total, last: of all), and
 * reports them, as skipped or, with the kind, file and reason of `of`,
 * otherwise. `count` may be NULL.
 */
enum err import_faults(
    struct import *im, enum stmt s, const struct report_at *of, long *count);
enum err import_skips(struct import *im, enum stmt s, const char *file,
    const char *what, long *count);

/* Sets `why` to the error of a statement or copy. */
enum err import_database_failed(struct import *im, enum err e);

#endif
