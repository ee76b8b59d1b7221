/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file with a header, read by column names: invalid rows are reported and
 * skipped, progress is shown, and signals end the reading.
 */
#ifndef IMPORT_TABLE_H
#define IMPORT_TABLE_H

#include "base/base.h"

#include "db/copy.h"
#include "import/csv.h"
#include "import/import.h"

#define TABLE_COLUMNS 8

struct table_spec {
	const char *file;
	const char *what; /* names the tally; NULL: rows are not counted */
	enum csv_form form;
	const char *columns[TABLE_COLUMNS]; /* up to NULL */
	int optional; /* the last ones of these may be missing */
};

struct table {
	struct import *im;
	const char *file;
	enum csv_form form;
	struct csv *csv;
	struct tally *tally; /* of what the rows are */
	int n;
	int columns[TABLE_COLUMNS]; /* -1: missing */
	int width;                  /* minimum number of fields of a row */
	int header;                 /* number of fields of the header */
	long line;                  /* of the current row */
	long last;
	/* In the order of the names. NULL: "\N" of CSV_TABS, or missing. */
	const char *fields[TABLE_COLUMNS];
};

/*
 * Opens a file of the collection and reads its header. ERR_NOT_FOUND: it is
 * missing.
 */
enum err table_open(
    struct import *im, const struct table_spec *spec, struct table *out);

/* The next valid row; at the end of the file *any is false and it is closed. */
enum err table_next(struct table *t, bool *any);

/* Skips the current row. `what` is a static text. */
void table_skip(struct table *t, const char *what, const char *fmt, ...)
    printf_like(3, 4);

/* Drops a value of the current row. */
void table_drop(struct table *t, const char *what, const char *fmt, ...)
    printf_like(3, 4);

/* Excludes the current row, by an option. */
void table_filter(struct table *t, const char *what);

/* Reports the likely cause of a fault in the current row; NULL: not known. */
void table_cause(struct table *t, const char *cause);

/*
 * Takes a row: adds it to the copy, or skips it if it is invalid. `mem` is
 * valid for the call.
 */
typedef enum err table_take(
    void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem);

/* Reads all rows and copies them to the table of a :copy statement. */
enum err table_copy(struct table *t, enum stmt s, table_take *take, void *arg);

#endif
