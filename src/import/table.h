/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CSV file with a header whose columns are known by name: rows that are no
 * good are reported and passed over, progress is shown, and a signal is heeded.
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
	int width; /* fields that a row must have at least */
	long line; /* of the row at hand */
	const char *fields[TABLE_COLUMNS]; /* in the order of the names */
};

/*
 * Opens a file of the collection and reads its header. `what` names the tally,
 * NULL: rows are not counted. ERR_NOT_FOUND: it is not there.
 */
enum err table_open(struct import *im, const char *file, const char *what,
    const char *const *names, int n, struct table *out);

/* The next good row; *any is false at the end of the file, which closes it. */
enum err table_next(struct table *t, bool *any);

/* The row at hand is passed over. */
void table_skip(struct table *t, const char *sort, const char *fmt, ...)
    printf_like(3, 4);

#endif
