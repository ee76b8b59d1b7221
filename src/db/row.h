/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns of a result, by name or by number (from 0). An unknown name, or a
 * text that is not of the requested type, is a bug and fails an assertion. SQL
 * NULL is NULL, 0, 0.0 or false; see row_is_null().
 */
#ifndef DB_ROW_H
#define DB_ROW_H

#include "base/base.h"

struct pg_result;

/* One row of a result; both live as long as the query's `mem`. */
struct row {
	struct pg_result *res;
	int n;
};

struct rows {
	struct pg_result *res;
	int count;
};

/* The row number i, 0 <= i < rows->count. */
void rows_at(const struct rows *rows, int i, struct row *out);

/* Number of a column; -1: none with that name. */
int row_column(const struct row *row, const char *name);

/* Number of columns, and the name of one. */
int row_columns(const struct row *row);
const char *row_column_name(const struct row *row, int column);

/*
 * The outcome: the word in column `outcome`, "ok" without such a column. NULL
 * is a bug and fails an assertion.
 */
const char *row_outcome(const struct row *row);

bool row_is_null(const struct row *row, const char *name);
int64_t row_id(const struct row *row, const char *name);
int row_int(const struct row *row, const char *name);
bool row_bool(const struct row *row, const char *name);
double row_double(const struct row *row, const char *name);
const char *row_text(const struct row *row, const char *name);

/* Decodes a bytea into memory of `mem`; NULL stays NULL with *n 0. */
void *row_bytes(
    TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n);

/* A bigint[] without NULLs, in memory of `mem`; NULL is *n 0. */
int64_t *row_id_array(
    TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n);

/* A text[] without NULLs, likewise. */
const char *const *row_text_array(
    TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n);

bool row_is_null_at(const struct row *row, int column);
int64_t row_id_at(const struct row *row, int column);
int row_int_at(const struct row *row, int column);
bool row_bool_at(const struct row *row, int column);
double row_double_at(const struct row *row, int column);
const char *row_text_at(const struct row *row, int column);

/* Length in bytes of the text of a column; 0 for NULL. */
size_t row_length_at(const struct row *row, int column);

#endif
