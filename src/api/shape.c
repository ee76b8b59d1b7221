/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows to JSON by a shape table. The columns are looked up by name once a
 * result, not once a row.
 */
#include "base/base.h"

#include "api/shape.h"
#include "base/clock.h"
#include "base/text.h"
#include "http/reply.h"

#define SHAPE_MAX 32

static void
find_columns(const struct row *row, const struct column *shape, int *at)
{
	size_t i;

	for (i = 0; shape[i].key; i++) {
		const char *name = shape[i].column;

		assert(i < SHAPE_MAX);
		at[i] = -1;
		if (shape[i].kind == C_NULL)
			continue;
		at[i] = row_column(row, name ? name : shape[i].key);
		assert(at[i] >= 0);
	}
}

static void
put_time(struct json *j, int64_t us)
{
	char text[CLOCK_ISO_SIZE];

	clock_iso(text, us);
	json_text(j, text);
}

static void
put_value(struct req *r, struct json *j, const struct row *row,
    const struct column *c, int at)
{
	if (c->kind == C_NULL || row_is_null_at(row, at)) {
		json_null(j);
		return;
	}
	switch (c->kind) {
	case C_INT:
	case C_JSON: /* decimal digits are JSON already */
		json_raw(j, row_text_at(row, at));
		break;
	case C_TEXT:
	case C_DATE:
		json_text(j, row_text_at(row, at));
		break;
	case C_PROSE:
		json_text(j, text_markup_guard(r->mem, row_text_at(row, at)));
		break;
	case C_BOOL:
		json_bool(j, row_bool_at(row, at));
		break;
	case C_TIME:
		put_time(j, row_id_at(row, at));
		break;
	case C_NULL:
		break;
	}
}

static void
put_keys(struct req *r, struct json *j, const struct row *row,
    const struct column *shape, const int *at)
{
	size_t i;

	for (i = 0; shape[i].key; i++) {
		json_key(j, shape[i].key);
		put_value(r, j, row, &shape[i], at[i]);
	}
}

void
shape_columns(struct req *r, struct json *j, const struct row *row,
    const struct column *shape)
{
	int at[SHAPE_MAX];

	find_columns(row, shape, at);
	put_keys(r, j, row, shape, at);
}

void
shape_row(struct req *r, struct json *j, const struct row *row,
    const struct column *shape)
{
	json_object(j);
	shape_columns(r, j, row, shape);
	json_object_end(j);
}

void
shape_rows(struct req *r, struct json *j, const struct rows *rows, int limit,
    const struct column *shape)
{
	int at[SHAPE_MAX], i;
	struct row row;

	json_list(j);
	for (i = 0; i < rows->count && i < limit; i++) {
		rows_at(rows, i, &row);
		if (i == 0)
			find_columns(&row, shape, at);
		json_object(j);
		put_keys(r, j, &row, shape, at);
		json_object_end(j);
	}
	json_list_end(j);
}

enum err
reply_row(struct req *r, int status, const struct row *row,
    const struct column *shape)
{
	struct json *j = reply_json(r, status);

	shape_row(r, j, row, shape);
	return reply_done(r, j);
}
