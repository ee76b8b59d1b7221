/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers from a statement: one row, a list, a list by page or by cursor
 * (contract, users 1.3).
 *
 * A :many statement for a page or a cursor has in every row the column `total`,
 * the number of all matches, counted up to COUNT_MAX + 1. If a page has no
 * items but matches exist, or the statement has an outcome, it returns one row
 * whose `id` is NULL (api/run.h). It has the parameter :size and one of
 *
 *	:page     with the column `page`, the page returned; past the end the
 *	          last one
 *	:last_id  returning the rows with smaller ids in descending order; the
 *	          id of a deleted row is still a valid position
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/base.h"

#include "api/shape.h"
#include "db/stmt.h"
#include "http/field.h"

/* Maximum count of matches; above it `count_exact` is false. */
#define COUNT_MAX 10000

/* Fields for input tables, and tables for routes without other fields. */
#define PAGE_FIELDS                                        \
	{ "page", FROM_QUERY, T_PAGE, 0, .def = 1 },       \
	{                                                  \
		"limit", FROM_QUERY, T_LIMIT, 0, .def = 10 \
	}
#define CURSOR_FIELDS                                      \
	{ "last_id", FROM_QUERY, T_CURSOR, 0 },            \
	{                                                  \
		"limit", FROM_QUERY, T_LIMIT, 0, .def = 10 \
	}
extern const struct field page_input[];
extern const struct field cursor_input[];

/* Runs a :one or :owned statement and answers with its row. */
enum err reply_one(
    struct req *r, int status, enum stmt s, const struct column *shape);

/* The same, answering {key: true}. */
enum err reply_true(struct req *r, enum stmt s, const char *key);

/* Runs the statement and answers with all rows as a list. */
enum err reply_all(struct req *r, enum stmt s, const struct column *shape);

/*
 * Runs the statement with :size and answers with the envelope {results,
 * total_pages, count, count_exact, has_next, has_previous, current_page}.
 */
enum err reply_page(struct req *r, enum stmt s, const struct column *shape);

/* The same with {results, next_last_id, count, count_exact}. */
enum err reply_cursor(struct req *r, enum stmt s, const struct column *shape);

/* The same answers from rows that were read before. */
enum err reply_rows(
    struct req *r, const struct rows *rows, const struct column *shape);
enum err reply_page_rows(
    struct req *r, const struct rows *rows, const struct column *shape);
/* The same; `add` adds keys to the object of a row. */
enum err reply_page_with(struct req *r, const struct rows *rows,
    const struct column *shape,
    void (*add)(struct json *j, const struct row *row, void *arg), void *arg);
enum err reply_cursor_rows(
    struct req *r, const struct rows *rows, const struct column *shape);

#endif
