/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answers made of a statement: one row, a whole list, a list by page or by
 * cursor (contract, users 1.3).
 *
 * A :many statement for a page or a cursor has in every row the column `total`,
 * the number of all matches, counted to COUNT_MAX + 1 at most. When a page has
 * no item but matches exist, or when the statement has an outcome to report,
 * it gives one row whose `id` is NULL (api/run.h). It takes :size and one of
 *
 *	:page     and has the column `page`, the page served: beyond the end the
 *	          last one
 *	:last_id  and gives the rows with a smaller id, highest id first. A row
 *	          that was deleted meanwhile is still a position in that order.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/base.h"

#include "api/shape.h"
#include "db/stmt.h"
#include "http/field.h"

/* So many matches are counted; of more `count_exact` is false. */
#define COUNT_MAX 10000

/* The fields of an input table, and whole tables for routes with no other. */
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

/* The same for a statement whose success is all there is to say: {key: true}.
 */
enum err reply_true(struct req *r, enum stmt s, const char *key);

/* Runs the statement and answers with all rows as a bare list. */
enum err reply_all(struct req *r, enum stmt s, const struct column *shape);

/*
 * Runs the statement with :size and answers with the envelope {results,
 * total_pages, count, count_exact, has_next, has_previous, current_page}.
 */
enum err reply_page(struct req *r, enum stmt s, const struct column *shape);

/* The same with {results, next_last_id, count, count_exact}. */
enum err reply_cursor(struct req *r, enum stmt s, const struct column *shape);

/* The same answers made of rows that were read before. */
enum err reply_rows(
    struct req *r, const struct rows *rows, const struct column *shape);
enum err reply_page_rows(
    struct req *r, const struct rows *rows, const struct column *shape);
enum err reply_cursor_rows(
    struct req *r, const struct rows *rows, const struct column *shape);

#endif
