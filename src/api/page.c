/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two envelopes of lists: by page and by cursor.
 */
#include "base/base.h"

#include "api/page.h"
#include "http/field.h"
#include "http/reply.h"

/* Column `name` of the first row, `otherwise` when there is no row. */
static int64_t
first_row(const struct rows *rows, const char *name, int64_t otherwise)
{
	struct row row;

	if (rows->count == 0)
		return otherwise;
	rows_at(rows, 0, &row);
	return row_id(&row, name);
}

/* Whether `total` of the first row is all there is; without a row it is. */
static bool
is_total_exact(const struct rows *rows)
{
	struct row row;

	if (rows->count == 0)
		return true;
	rows_at(rows, 0, &row);
	return row_bool(&row, "count_exact");
}

enum err
reply_page(struct req *r, const struct rows *rows, const struct column *shape)
{
	int64_t limit = input_int(r, "limit");
	int64_t total = first_row(rows, "total", 0);
	int64_t page = first_row(rows, "page", 1);
	int64_t pages = total > 0 ? (total + limit - 1) / limit : 1;
	struct json *j = reply_json(r, 200);

	json_object(j);
	json_key(j, "results");
	shape_rows(r, j, rows, rows->count, shape);
	json_key(j, "total_pages");
	json_int(j, pages);
	json_key(j, "count");
	json_int(j, total);
	json_key(j, "count_exact");
	json_bool(j, is_total_exact(rows));
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
reply_cursor(struct req *r, const struct rows *rows, const struct column *shape)
{
	int limit = (int)input_int(r, "limit");
	struct json *j = reply_json(r, 200);
	struct row last;

	json_object(j);
	json_key(j, "results");
	shape_rows(r, j, rows, limit, shape);
	json_key(j, "next_last_id");
	if (rows->count > limit) {
		rows_at(rows, limit - 1, &last);
		json_int(j, row_id(&last, "id"));
	} else {
		json_null(j);
	}
	json_key(j, "count");
	json_int(j, first_row(rows, "total", 0));
	json_object_end(j);
	return reply_done(r, j);
}
