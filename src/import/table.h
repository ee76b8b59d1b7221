/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CSV file with a header, read by column names: invalid rows are reported and
 * skipped, progress is shown, and signals end the reading.
 */
#ifndef IMPORT_TABLE_H
#define IMPORT_TABLE_H

#include "base/base.h"

#include "import/csv.h"
#include "import/import.h"

#define TABLE_COLUMNS 8

struct table {
	struct import *im;
	const char *file;
	struct csv *csv;
	struct tally *tally; /* of what the rows are */
	int n;
	int columns[TABLE_COLUMNS];
	int width; /* minimum number of fields of a row */
	long line; /* of the current row */
	const char *fields[TABLE_COLUMNS]; /* in the order of the names */
};

/*
 * Opens a file of the collection and reads its header. `what` names the tally,
 * NULL: rows are not counted. ERR_NOT_FOUND: it is missing.
 */
enum err table_open(struct import *im, const char *file, const char *what,
    const char *const *names, int n, struct table *out);

/* The next valid row; at the end of the file *any is false and it is closed. */
enum err table_next(struct table *t, bool *any);

/* Skips the current row. */
void table_skip(struct table *t, const char *sort, const char *fmt, ...)
    printf_like(3, 4);

#endif
