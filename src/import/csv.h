/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads comma-separated values (RFC 4180) one record at a time, with line
 * numbers. Lines may end in LF or CRLF, a byte order mark is passed over, empty
 * lines are no records. What is not as it should be is told, and reading goes
 * on behind it; but not behind a quote that is never closed, or only after more
 * than CSV_LINES_MAX lines: what follows it cannot be told from its field.
 */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "base/base.h"

#define CSV_FIELDS_MAX 64
#define CSV_RECORD_MAX ((size_t)1024 * 1024)
#define CSV_LINES_MAX  1000 /* of one record */

enum csv_event {
	CSV_ROW, /* fields */
	CSV_BAD, /* why */
	CSV_END,
	CSV_FAIL /* the file cannot be read on: why */
};

/* One record. Texts are good until the next call; they are UTF-8 without NUL.
 */
struct csv_row {
	long line; /* on which the record begins, 1 first */
	long last; /* on which it ends, or reading ended */
	int count;
	const char *fields[CSV_FIELDS_MAX];
	const char *why;
};

struct csv;

/* Opens a file; NULL: errno says why. Closed with `mem`. */
struct csv *csv_open(TALLOC_CTX *mem, const char *path);

/* Reads from what is open already, and closes it in the end. */
struct csv *csv_new(TALLOC_CTX *mem, FILE *file);

enum csv_event csv_next(struct csv *c, struct csv_row *row);

/* Bytes read so far, and in the whole file (0: not known). */
int64_t csv_done(const struct csv *c);
int64_t csv_size(const struct csv *c);

/*
 * Where the n columns of those names stand in a header; false: *missing is the
 * first that is not there. Order and further columns do not matter.
 */
bool csv_columns(const struct csv_row *header, const char *const *names, int n,
    int *columns, const char **missing);

#endif
