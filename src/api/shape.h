/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows to JSON by a table: one entry a key, in the order of the contract.
 */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include "base/base.h"

#include "base/json.h"
#include "db/row.h"
#include "http/request.h"

enum shape_kind {
	C_INT,
	C_TEXT,
	C_PROSE, /* text of a person: the markup guard goes in */
	C_BOOL,
	C_DATE, /* YYYY-MM-DD */
	C_TIME, /* ISO 8601, UTC; the column is microseconds since 1970 */
	C_JSON, /* jsonb or json, verbatim */
	C_NULL  /* always null, no column */
};

struct column {
	const char *key;
	enum shape_kind kind;
	const char *column; /* NULL: the same as key */
};

/* One row as an object; `shape` ends with an entry without key. */
void shape_row(struct req *r, struct json *j, const struct row *row,
    const struct column *shape);

/* The keys of one row, for an object that holds more. */
void shape_columns(struct req *r, struct json *j, const struct row *row,
    const struct column *shape);

/* The rows, at most `limit` of them, as a list. */
void shape_rows(struct req *r, struct json *j, const struct rows *rows,
    int limit, const struct column *shape);

/* The answer made of one row. */
enum err reply_row(struct req *r, int status, const struct row *row,
    const struct column *shape);

#endif
