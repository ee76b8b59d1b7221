/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads records of text fields from a file, with line numbers. Files that are
 * compressed by gzip, bzip2, xz or zstd are decompressed. Lines end with LF or
 * CRLF, a byte order mark and empty lines are skipped. Invalid records are
 * reported, and reading continues after them, except after a quote that is not
 * closed within CSV_LINES_MAX lines, because the rest cannot be distinguished
 * from its field. Memory is bounded by CSV_RECORD_MAX, or csv_limit(): what is
 * longer is skipped to its end.
 */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "base/base.h"

#include <signal.h>

#define CSV_FIELDS_MAX 64
#define CSV_RECORD_MAX ((size_t)1024 * 1024) /* bytes */
#define CSV_LINES_MAX  1000                  /* of one record */

/* How a record is divided. */
enum csv_form {
	CSV_COMMAS, /* comma-separated values (RFC 4180) */
	CSV_TABS,   /* a line, fields by tabs, no quotes: IMDb's data files */
	CSV_LINES   /* a line is one field: JSON lines */
};

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
	bool cut; /* the last one, and without a line feed at its end */
	const char *fields[CSV_FIELDS_MAX];
	const char *why;
};

struct csv;
struct progress;

/* Opens a file, also a pipe; NULL: errno is set. Freeing `mem` closes it. */
struct csv *csv_open(TALLOC_CTX *mem, const char *path, enum csv_form form);

/* Reads from an open file and closes it at the end. */
struct csv *csv_new(TALLOC_CTX *mem, FILE *file, enum csv_form form);

/*
 * Records may have `most` bytes instead of CSV_RECORD_MAX; `too_long`, a static
 * text, is the fault of longer ones. To be called before the first record.
 */
void csv_limit(struct csv *c, size_t most, const char *too_long);

/* Reading fails when a signal handler sets *flag, also within a record. */
void csv_interrupt(struct csv *c, const volatile sig_atomic_t *flag);

/* Shows the bytes read, also within a record. */
void csv_show(struct csv *c, struct progress *progress);

enum csv_event csv_next(struct csv *c, struct csv_row *row);

/* Bytes read so far, compressed, and in the whole file (0: not known). */
int64_t csv_done(const struct csv *c);
int64_t csv_size(const struct csv *c);

/* The first bytes of the file, as text of at most 15 bytes. */
const char *csv_head(const struct csv *c);

/* Whether the last record, also a bad one, has a CR that does not end it. */
bool csv_has_return(const struct csv *c);

/*
 * The positions of n columns in a header, by name; false: *missing is the first
 * missing one. Order and other columns are ignored.
 */
bool csv_columns(const struct csv_row *header, const char *const *names, int n,
    int *columns, const char **missing);

/* The first of n names that more than one column has; NULL: none. */
const char *csv_repeated(
    const struct csv_row *header, const char *const *names, int n);

#endif
