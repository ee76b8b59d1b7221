/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typed access to results in text format.
 */
#include "base/base.h"

#include <libpq-fe.h>
#include <limits.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/row.h"

void
rows_at(const struct rows *rows, int i, struct row *out)
{
	assert(i >= 0 && i < rows->count);
	out->res = rows->res;
	out->n = i;
}

int
row_column(const struct row *row, const char *name)
{
	int i, n = PQnfields(row->res);

	/* PQfnumber() would copy the name first, to fold what is not quoted */
	for (i = 0; i < n; i++) {
		if (strcmp(PQfname(row->res, i), name) == 0)
			return i;
	}
	return -1;
}

int
row_columns(const struct row *row)
{
	return PQnfields(row->res);
}

const char *
row_column_name(const struct row *row, int column)
{
	return PQfname(row->res, column);
}

static int
column_of(const struct row *row, const char *name)
{
	int column = row_column(row, name);

	if (column < 0)
		log_error("bug: the result has no column \"%s\"", name);
	assert(column >= 0);
	return column;
}

/* Logs the column and fails an assertion. */
static void
refuse(const struct row *row, int column, const char *wanted)
{
	log_error(
	    "bug: column \"%s\" is no %s", PQfname(row->res, column), wanted);
	abort();
}

bool
row_is_null_at(const struct row *row, int column)
{
	assert(column >= 0 && column < PQnfields(row->res));
	return PQgetisnull(row->res, row->n, column);
}

const char *
row_text_at(const struct row *row, int column)
{
	if (row_is_null_at(row, column))
		return NULL;
	return PQgetvalue(row->res, row->n, column);
}

size_t
row_length_at(const struct row *row, int column)
{
	assert(column >= 0 && column < PQnfields(row->res));
	return (size_t)PQgetlength(row->res, row->n, column);
}

int64_t
row_id_at(const struct row *row, int column)
{
	const char *text = row_text_at(row, column);
	int64_t v = 0;

	if (text && !text_to_int64(text, &v))
		refuse(row, column, "whole number");
	return v;
}

int
row_int_at(const struct row *row, int column)
{
	int64_t v = row_id_at(row, column);

	if (v < INT_MIN || v > INT_MAX)
		refuse(row, column, "int");
	return (int)v;
}

bool
row_bool_at(const struct row *row, int column)
{
	const char *text = row_text_at(row, column);

	if (!text)
		return false;
	if ((text[0] != 't' && text[0] != 'f') || text[1])
		refuse(row, column, "boolean");
	return text[0] == 't';
}

double
row_double_at(const struct row *row, int column)
{
	const char *text = row_text_at(row, column);
	char *end;
	double v;

	if (!text)
		return 0.0;
	v = strtod(text, &end);
	if (end == text || *end)
		refuse(row, column, "number");
	return v;
}

const char *
row_outcome(const struct row *row)
{
	int at = row_column(row, "outcome");

	assert(at < 0 || !row_is_null_at(row, at));
	return at < 0 ? "ok" : row_text_at(row, at);
}

bool
row_is_null(const struct row *row, const char *name)
{
	return row_is_null_at(row, column_of(row, name));
}

int64_t
row_id(const struct row *row, const char *name)
{
	return row_id_at(row, column_of(row, name));
}

int
row_int(const struct row *row, const char *name)
{
	return row_int_at(row, column_of(row, name));
}

bool
row_bool(const struct row *row, const char *name)
{
	return row_bool_at(row, column_of(row, name));
}

double
row_double(const struct row *row, const char *name)
{
	return row_double_at(row, column_of(row, name));
}

const char *
row_text(const struct row *row, const char *name)
{
	return row_text_at(row, column_of(row, name));
}

/* Value of a lower-case hexadecimal digit; -1: none. */
static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void *
row_bytes(TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n)
{
	int column = column_of(row, name);
	const char *text = row_text_at(row, column);
	size_t length = row_length_at(row, column);
	unsigned char *bytes;

	*n = 0;
	if (!text)
		return NULL;
	if (length < 2 || length % 2 || text[0] != '\\' || text[1] != 'x')
		refuse(row, column, "bytea");
	*n = length / 2 - 1;
	bytes = mem_need(talloc_size(mem, *n + 1));
	for (size_t i = 0; i < *n; i++) {
		int high = nibble(text[2 + 2 * i]);
		int low = nibble(text[3 + 2 * i]);

		if (high < 0 || low < 0)
			refuse(row, column, "bytea");
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	bytes[*n] = '\0';
	return bytes;
}

int64_t *
row_id_array(
    TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n)
{
	int column = column_of(row, name);
	const char *text = row_text_at(row, column);
	size_t room = row_length_at(row, column) / 2 + 1;
	int64_t *ids;
	char *end;

	*n = 0;
	if (!text || strcmp(text, "{}") == 0)
		return NULL;
	ids = mem_array(mem, int64_t, room);
	for (end = (char *)(uintptr_t)text; *end != '}'; (*n)++) {
		const char *digits = end + 1;

		ids[*n] = strtoll(digits, &end, 10);
		if (end == digits || (*end != ',' && *end != '}'))
			refuse(row, column, "bigint[]");
	}
	return ids;
}

/* Copies one element of an array, quoted or not, to `to`; returns the rest. */
static const char *
take_element(const char *text, char *to)
{
	bool quoted = *text == '"';

	text += quoted;
	while (quoted ? *text != '"' : *text != ',' && *text != '}') {
		text += *text == '\\';
		*to++ = *text++;
	}
	*to = '\0';
	return text + quoted;
}

const char *const *
row_text_array(
    TALLOC_CTX *mem, const struct row *row, const char *name, size_t *n)
{
	int column = column_of(row, name);
	const char *text = row_text_at(row, column);
	size_t length = row_length_at(row, column);
	const char **texts;
	char *to;

	*n = 0;
	if (!text || strcmp(text, "{}") == 0)
		return NULL;
	if (text[0] != '{' || text[length - 1] != '}')
		refuse(row, column, "text[]");
	texts = mem_array(mem, const char *, length / 2 + 1);
	to = mem_need(talloc_size(mem, length + 1));
	do {
		texts[(*n)++] = to;
		text = take_element(text + 1, to);
		to += strlen(to) + 1;
	} while (*text == ',');
	return texts;
}
