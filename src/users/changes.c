/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of the caller has changed, by cursor, for clients that synchronise.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/mem.h"
#include "http/handlers.h"

const struct field changes_input[] = {
	{ "since", FROM_QUERY, T_TEXT, 0, .max_length = 64 },
	{ "limit", FROM_QUERY, T_LIMIT, 0, .def = 100 },
	{ 0 },
};

static const struct column change_shape[] = {
	{ "kind", C_TEXT, NULL },
	{ "id", C_INT, "key" },
	{ "list", C_INT, NULL },
	{ "changed_at", C_TIME, NULL },
	{ "deleted", C_BOOL, NULL },
	{ NULL, C_NULL, NULL },
};

/* The values of each kind. */
static const struct value {
	const char *kind;
	struct column shape[8];
} values[] = {
	{ "rating", { { "movie", C_TEXT, NULL }, { "rating", C_INT, NULL },
			{ "created_at", C_TIME, NULL } } },
	{ "unseen",
	    { { "movie", C_TEXT, NULL }, { "created_at", C_TIME, NULL } } },
	{ "review",
	    { { "movie", C_TEXT, NULL }, { "title", C_PROSE, NULL },
		{ "content", C_PROSE, NULL }, { "is_positive", C_BOOL, NULL },
		{ "spoiler", C_BOOL, NULL }, { "created_at", C_TIME, NULL } } },
	{ "list",
	    { { "name", C_PROSE, NULL }, { "slug", C_TEXT, NULL },
		{ "description", C_PROSE, NULL }, { "privacity", C_TEXT, NULL },
		{ "created_at", C_TIME, NULL },
		{ "updated_at", C_TIME, NULL } } },
	{ "list_movie",
	    { { "movie", C_TEXT, NULL }, { "position", C_INT, NULL },
		{ "created_at", C_TIME, NULL } } },
	{ "friend", { { "username", C_TEXT, "name" }, { "user", C_TEXT, NULL },
			{ "created_at", C_TIME, NULL } } },
};

static void
put_change(struct req *r, struct json *j, const struct row *row)
{
	const char *kind = row_text(row, "kind");
	size_t i;

	json_object(j);
	shape_columns(r, j, row, change_shape);
	json_key(j, "value");
	if (row_bool(row, "deleted")) {
		json_null(j);
	} else {
		for (i = 0; strcmp(values[i].kind, kind) != 0; i++)
			assert(i + 1 < array_len(values));
		shape_row(r, j, row, values[i].shape);
	}
	json_object_end(j);
}

/* The cursor after the n rows of the page. */
static const char *
next_since(struct req *r, const struct rows *rows, int n)
{
	struct row row;

	if (n < rows_listed(rows)) {
		rows_at(rows, n - 1, &row);
		return mem_printf(r->mem, "%s%" PRId64,
		    row_text(&row, "cursor_part"), row_id(&row, "id"));
	}
	rows_at(rows, 0, &row);
	return row_text(&row, "end_cursor");
}

static enum err
reply_changes(
    struct req *r, const struct rows *rows, const char *since, bool more)
{
	int limit = (int)input_int(r, "limit");
	int n = rows ? rows_listed(rows) : 0;
	struct json *j = reply_json(r, 200);
	struct row row;

	json_object(j);
	json_key(j, "results");
	json_list(j);
	for (int i = 0; i < n && i < limit; i++) {
		rows_at(rows, i, &row);
		put_change(r, j, &row);
	}
	json_list_end(j);
	json_key(j, "next_since");
	json_text(j, since);
	json_key(j, "has_next");
	json_bool(j, more);
	json_object_end(j);
	return reply_done(r, j);
}

/* Without a cursor an empty page, with the cursor before all that exists. */
enum err
user_changes(struct req *r)
{
	const char *since = input_text(r, "since");
	int limit = (int)input_int(r, "limit");
	struct rows rows;
	struct row row;
	enum err e;

	if (!since || !*since) {
		e = run_one(r, SQL_change_start, &row);
		return e ? e :
			   reply_changes(
			       r, NULL, row_text(&row, "next_since"), true);
	}
	bind_arg(r, "size", arg_id(limit + 1));
	e = run_all(r, SQL_change_page, &rows);
	return e ? e :
		   reply_changes(r, &rows, next_since(r, &rows, limit),
		       rows_listed(&rows) > limit);
}
