/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON files of Trakt and of own exports: a list of objects, or an object with
 * such lists. It is split into its entries first, so that the memory of a
 * parsed file does not depend on its size; each is then parsed strictly.
 */
#include "base/base.h"

#include <json-c/json.h>
#include <math.h>

#include "base/mem.h"
#include "base/text.h"
#include "import/history_lines.h"
#include "import/record.h"

#define ENTRY_MAX ((size_t)1024 * 1024)
#define DEPTH_MAX 32

/* The state of the scanner. */
struct scan {
	const char *text;
	size_t n, at;
	int depth;              /* open brackets outside of entries */
	size_t name_at, name_n; /* the last string at depth 1 */
	long number;            /* of the entry, from 1 */
};

/* Numbers that are not finite are NULL, as the database refuses them. */
static void
drop_infinite(struct json_object *v)
{
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			struct json_object *e = json_object_array_get_idx(v, i);

			if (json_object_is_type(e, json_type_double) &&
			    !isfinite(json_object_get_double(e)))
				json_object_array_put_idx(v, i, NULL);
			else
				drop_infinite(e);
		}
	} else if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, key, e)
		{
			if (json_object_is_type(e, json_type_double) &&
			    !isfinite(json_object_get_double(e)))
				json_object_object_add(v, key, NULL);
			else
				drop_infinite(e);
		}
	}
}

static enum err
add_entry(struct history_lines *l, TALLOC_CTX *mem, struct scan *s, size_t from,
    size_t to)
{
	TALLOC_CTX *one = mem_need(talloc_new(mem));
	struct json_object *entry = NULL;
	const char *why = "longer than a megabyte";
	enum err e;

	s->number++;
	l->done = (double)s->at / (double)s->n;
	if (s->text[from] != '{')
		why = "not a JSON object";
	else if (to - from <= ENTRY_MAX)
		entry = record_parse(one, s->text + from, to - from, &why);
	if (entry)
		drop_infinite(entry);
	e = history_add(l, s->number, s->number,
	    entry ?
		json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN) :
		NULL,
	    entry ? NULL : why);
	talloc_free(one);
	return e;
}

static enum err
fail_json(struct history_lines *l, const struct scan *s, const char *why)
{
	long line = 1;

	for (size_t i = 0; i < s->at && i < s->n; i++)
		line += s->text[i] == '\n';
	if (!l->alone && s->number == 0)
		return history_bad_file(l, line, why);
	return history_fail(l->h, "broken", "%s:%ld: %s", l->file, line, why);
}

/* Moves behind the string that begins here; false: it does not end. */
static bool
skip_string(struct scan *s)
{
	size_t from = ++s->at;

	while (s->at < s->n && s->text[s->at] != '"')
		s->at += s->text[s->at] == '\\' ? 2 : 1;
	if (s->at >= s->n)
		return false;
	if (s->depth == 1) {
		s->name_at = from;
		s->name_n = s->at - from;
	}
	s->at++;
	return true;
}

/* Moves behind the value that begins here, up to a separator at its depth. */
static bool
skip_value(struct scan *s)
{
	int depth = 0;

	while (s->at < s->n) {
		char c = s->text[s->at];

		if (c == '"') {
			if (!skip_string(s))
				return false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			return true;
		if (c == '[' || c == '{')
			depth++;
		if (c == ']' || c == '}')
			depth--;
		if (depth > DEPTH_MAX)
			return false;
		s->at++;
	}
	return false;
}

/* The entries of the list that begins here. */
static enum err
read_list(struct history_lines *l, TALLOC_CTX *mem, struct scan *s)
{
	enum err e = ERR_OK;

	s->at++; /* [ */
	s->depth++;
	while (!e) {
		size_t from, to;

		while (s->at < s->n && strchr(" \t\r\n,", s->text[s->at]))
			s->at++;
		if (s->at < s->n && s->text[s->at] == ']')
			break;
		from = s->at;
		if (from == s->n || !skip_value(s))
			return fail_json(l, s, "the JSON is not complete");
		to = s->at;
		while (to > from && strchr(" \t\r\n", s->text[to - 1]))
			to--;
		if (to == from)
			return fail_json(l, s, "invalid JSON");
		e = add_entry(l, mem, s, from, to);
	}
	s->at++;
	s->depth--;
	return e;
}

/* The lists that are members of the object that begins here. */
static enum err
read_object(struct history_lines *l, TALLOC_CTX *mem, struct scan *s)
{
	enum err e = ERR_OK;

	s->at++; /* { */
	s->depth++;
	while (!e) {
		while (s->at < s->n && strchr(" \t\r\n,:", s->text[s->at]))
			s->at++;
		if (s->at == s->n)
			return fail_json(l, s, "the JSON is not complete");
		if (s->text[s->at] == '}')
			break;
		if (s->text[s->at] == '[') {
			l->part =
			    mem_textn(mem, s->text + s->name_at, s->name_n);
			if (!text_is_utf8(l->part, s->name_n))
				return fail_json(l, s, "invalid UTF-8");
			e = read_list(l, mem, s);
		} else if (s->text[s->at] == '"') {
			if (!skip_string(s))
				return fail_json(
				    l, s, "the JSON is not complete");
		} else {
			size_t from = s->at;

			if (!skip_value(s) || s->at == from)
				return fail_json(
				    l, s, "the JSON is not complete");
		}
	}
	s->at++;
	s->depth--;
	return e;
}

enum err
history_json(
    struct history_lines *l, TALLOC_CTX *mem, const char *data, size_t n)
{
	struct scan s = { .text = data, .n = n };
	enum err e;

	l->format = strncmp(l->file, "json/", 5) == 0 ? "own" : "trakt";
	l->known |= strcmp(l->format, "own") == 0;
	if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		s.at = 3;
	while (s.at < n && strchr(" \t\r\n", data[s.at]))
		s.at++;
	if (s.at == n)
		return history_ignore(l, 0, "the file is empty");
	if (data[s.at] == '[')
		e = read_list(l, mem, &s);
	else if (data[s.at] == '{')
		e = read_object(l, mem, &s);
	else
		return history_bad_file(l, 1,
		    n > 1 && (data[0] == '\xff' || data[0] == '\xfe') ?
			"the encoding is UTF-16" :
			"it is not a list of objects");
	while (!e && s.at < n && strchr(" \t\r\n", data[s.at]))
		s.at++;
	if (!e && s.at < n)
		e = fail_json(l, &s, "text after the JSON");
	return e;
}
