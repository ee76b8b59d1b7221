/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON emitter.
 */
#include "base/base.h"

#include <math.h>

#include "base/json.h"

void
json_init(struct json *j, struct buf *out)
{
	j->out = out;
	j->depth = 0;
	j->comma = false;
}

static void
before_value(struct json *j)
{
	if (j->comma)
		buf_putc(j->out, ',');
	j->comma = true;
}

static void
open_with(struct json *j, char c)
{
	before_value(j);
	buf_putc(j->out, c);
	j->depth++;
	j->comma = false;
}

static void
close_with(struct json *j, char c)
{
	assert(j->depth > 0);
	buf_putc(j->out, c);
	j->depth--;
	j->comma = true;
}

void
json_object(struct json *j)
{
	open_with(j, '{');
}

void
json_object_end(struct json *j)
{
	close_with(j, '}');
}

void
json_list(struct json *j)
{
	open_with(j, '[');
}

void
json_list_end(struct json *j)
{
	close_with(j, ']');
}

static void
put_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_add(out, "\\\"", 2);
		break;
	case '\\':
		buf_add(out, "\\\\", 2);
		break;
	case '\n':
		buf_add(out, "\\n", 2);
		break;
	case '\r':
		buf_add(out, "\\r", 2);
		break;
	case '\t':
		buf_add(out, "\\t", 2);
		break;
	default:
		buf_printf(out, "\\u%04x", c);
	}
}

static void
put_string(struct buf *out, const char *s, size_t n)
{
	size_t start = 0, i;

	buf_putc(out, '"');
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, s + start, i - start);
		put_escape(out, c);
		start = i + 1;
	}
	buf_add(out, s + start, n - start);
	buf_putc(out, '"');
}

void
json_key(struct json *j, const char *name)
{
	before_value(j);
	put_string(j->out, name, strlen(name));
	buf_putc(j->out, ':');
	j->comma = false;
}

void
json_textn(struct json *j, const char *s, size_t n)
{
	before_value(j);
	put_string(j->out, s, n);
}

void
json_text(struct json *j, const char *s)
{
	if (!s) {
		json_null(j);
		return;
	}
	json_textn(j, s, strlen(s));
}

void
json_int(struct json *j, int64_t v)
{
	before_value(j);
	buf_int(j->out, v);
}

void
json_double(struct json *j, double v)
{
	char text[32];
	int digits;

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	before_value(j);
	buf_puts(j->out, text);
}

void
json_bool(struct json *j, bool v)
{
	json_raw(j, v ? "true" : "false");
}

void
json_null(struct json *j)
{
	json_raw(j, "null");
}

void
json_raw(struct json *j, const char *json)
{
	before_value(j);
	buf_puts(j->out, json);
}
