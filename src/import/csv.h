/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads comma-separated values (RFC 4180) record by record, with line numbers.
 * Lines end with LF or CRLF, a byte order mark and empty lines are skipped.
 * Invalid records are reported, and reading continues after them, except after
 * a quote that is not closed within CSV_LINES_MAX lines, because the rest
 * cannot be distinguished from its field.
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
	CSV_FAIL /* reading cannot continue: why */
};

/* A record. Texts are valid until the next call, and UTF-8 without NUL.
 */
struct csv_row {
	long line; /* where the record begins, from 1 */
	long last; /* where it ends, or reading ended */
	int count;
	const char *fields[CSV_FIELDS_MAX];
	const char *why;
};

struct csv;

/* Opens a file; NULL: errno is set. Freeing `mem` closes it. */
struct csv *csv_open(TALLOC_CTX *mem, const char *path);

/* Reads from an open file and closes it at the end. */
struct csv *csv_new(TALLOC_CTX *mem, FILE *file);

enum csv_event csv_next(struct csv *c, struct csv_row *row);

/* Bytes read so far, and in the whole file (0: not known). */
int64_t csv_done(const struct csv *c);
int64_t csv_size(const struct csv *c);

/*
 * The positions of n columns in a header, by name; false: *missing is the first
 * missing one. Order and other columns are ignored.
 */
bool csv_columns(const struct csv_row *header, const char *const *names, int n,
    int *columns, const char **missing);

#endif
