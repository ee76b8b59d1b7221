/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers from a statement: one row, a list, a list by page and by cursor.
 */
#include "base/base.h"

#include "api/page.h"
#include "api/run.h"
#include "http/field.h"
#include "http/reply.h"

const struct field page_input[] = {
	PAGE_FIELDS,
	{ 0 },
};

const struct field cursor_input[] = {
	CURSOR_FIELDS,
	{ 0 },
};

/* Column `name` of the first row, `otherwise` if there is no row. */
static int64_t
first_row(const struct rows *rows, const char *name, int64_t otherwise)
{
	struct row row;

	if (rows->count == 0)
		return otherwise;
	rows_at(rows, 0, &row);
	return row_id(&row, name);
}

static int64_t
count_of(const struct rows *rows)
{
	int64_t total = first_row(rows, "total", 0);

	return total < COUNT_MAX ? total : COUNT_MAX;
}

static void
put_count(struct json *j, const struct rows *rows)
{
	json_key(j, "count");
	json_int(j, count_of(rows));
	json_key(j, "count_exact");
	json_bool(j, first_row(rows, "total", 0) <= COUNT_MAX);
}

enum err
reply_one(struct req *r, int status, enum stmt s, const struct column *shape)
{
	struct row row;
	enum err e;

	e = run_one(r, s, &row);
	return e ? e : reply_row(r, status, &row, shape);
}

enum err
reply_true(struct req *r, enum stmt s, const char *key)
{
	struct row row;
	enum err e;

	e = run_one(r, s, &row);
	return e ? e : reply_flag(r, 200, key);
}

enum err
reply_rows(struct req *r, const struct rows *rows, const struct column *shape)
{
	struct json *j = reply_json(r, 200);

	shape_rows(r, j, rows, rows_listed(rows), shape);
	return reply_done(r, j);
}

enum err
reply_all(struct req *r, enum stmt s, const struct column *shape)
{
	struct rows rows;
	enum err e;

	e = run_all(r, s, &rows);
	return e ? e : reply_rows(r, &rows, shape);
}

/* The items, each with what `add` adds. */
static void
put_results(struct req *r, struct json *j, const struct rows *rows,
    const struct column *shape,
    void (*add)(struct json *j, const struct row *row, void *arg), void *arg)
{
	struct row row;

	json_list(j);
	for (int i = 0; i < rows_listed(rows); i++) {
		rows_at(rows, i, &row);
		json_object(j);
		shape_columns(r, j, &row, shape);
		add(j, &row, arg);
		json_object_end(j);
	}
	json_list_end(j);
}

enum err
reply_page_rows(
    struct req *r, const struct rows *rows, const struct column *shape)
{
	return reply_page_with(r, rows, shape, NULL, NULL);
}

enum err
reply_page_with(struct req *r, const struct rows *rows,
    const struct column *shape,
    void (*add)(struct json *j, const struct row *row, void *arg), void *arg)
{
	int64_t limit = input_int(r, "limit");
	int64_t page = first_row(rows, "page", 1);
	int64_t total = count_of(rows);
	int64_t pages = total > 0 ? (total + limit - 1) / limit : 1;
	struct json *j = reply_json(r, 200);

	json_object(j);
	json_key(j, "results");
	if (add)
		put_results(r, j, rows, shape, add, arg);
	else
		shape_rows(r, j, rows, rows_listed(rows), shape);
	json_key(j, "total_pages");
	json_int(j, pages);
	put_count(j, rows);
	json_key(j, "has_next");
	json_bool(j, page < pages);
	json_key(j, "has_previous");
	json_bool(j, page > 1);
	json_key(j, "current_page");
	json_int(j, page);
	json_object_end(j);
	return reply_done(r, j);
}

enum err
reply_page(struct req *r, enum stmt s, const struct column *shape)
{
	struct rows rows;
	enum err e;

	bind_arg(r, "size", arg_id(input_int(r, "limit")));
	e = run_all(r, s, &rows);
	return e ? e : reply_page_rows(r, &rows, shape);
}

enum err
reply_cursor_rows(
    struct req *r, const struct rows *rows, const struct column *shape)
{
	int limit = (int)input_int(r, "limit"), n = rows_listed(rows);
	struct json *j = reply_json(r, 200);
	struct row last;

	json_object(j);
	json_key(j, "results");
	shape_rows(r, j, rows, n < limit ? n : limit, shape);
	json_key(j, "next_last_id");
	if (n > limit) {
		rows_at(rows, limit - 1, &last);
		json_int(j, row_id(&last, "id"));
	} else {
		json_null(j);
	}
	put_count(j, rows);
	json_object_end(j);
	return reply_done(r, j);
}

/* Reads one additional row to detect whether there are more. */
enum err
reply_cursor(struct req *r, enum stmt s, const struct column *shape)
{
	struct rows rows;
	enum err e;

	bind_arg(r, "size", arg_id(input_int(r, "limit") + 1));
	e = run_all(r, s, &rows);
	return e ? e : reply_cursor_rows(r, &rows, shape);
}
