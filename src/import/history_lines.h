/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of the files of an import (history.h), on their way to table
 * history_line.
 */
#ifndef IMPORT_HISTORY_LINES_H
#define IMPORT_HISTORY_LINES_H

#include "base/base.h"

#include "db/copy.h"
#include "import/history.h"

#define HISTORY_READ 50 /* percent, when all files have been read */

struct history_lines {
	struct history_import *h;
	struct copy *copy;
	long n;       /* records so far */
	size_t bytes; /* of them */
	bool known;   /* a file has a known format; entries of Trakt are seen
			 later */
	/* the current file */
	const char *file;   /* its path in the ZIP file, printable */
	const char *format; /* letterboxd, imdb, trakt, own */
	char *part;    /* its name without path and suffix, in lower case */
	bool alone;    /* not in a ZIP file */
	double before; /* percent: progress at its begin */
	double share;  /* percent of the whole */
	double done;   /* 0 to 1: of it */
};

/* A file that is not used, with `n` records; an error if it is the only one. */
enum err history_ignore(struct history_lines *l, long n, const char *why);

/* A file that cannot be read: as a record; an error if it is the only one. */
enum err history_bad_file(struct history_lines *l, long line, const char *why);

/*
 * Adds a record, a JSON object; `why`: an invalid one, `doc` is NULL. JSON
 * files have the number of the entry as line.
 */
enum err history_add(struct history_lines *l, long line, long last,
    const char *doc, const char *why);

/* Sets `failure` and `why`, and returns ERR_INVALID. */
enum err history_fail(struct history_import *h, const char *failure,
    const char *fmt, ...) printf_like(3, 4);

/* Adds the records of a file, or counts those of one that is not used. */
enum err history_csv(struct history_lines *l, TALLOC_CTX *mem, const char *data,
    size_t n, bool ignored);
enum err history_json(
    struct history_lines *l, TALLOC_CTX *mem, const char *data, size_t n);

/* Reads h->data and adds the records of all files in it. */
enum err history_read(struct history_lines *l);

#endif
