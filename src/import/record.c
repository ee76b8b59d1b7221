/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checking records.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/jsonscan.h"
#include "import/record.h"

#define DEPTH_MAX 6

struct holder {
	struct json_object *object;
};

static int
let_go(struct holder *h)
{
	json_object_put(h->object);
	return 0;
}

static struct json_object *
parse(TALLOC_CTX *mem, const char *line, size_t n, const char **why)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct holder *h = mem_new(mem, struct holder);
	enum json_tokener_error error;
	size_t end;

	mem_need(tokener);
	talloc_set_destructor(h, let_go);
	json_tokener_set_flags(tokener, json_flags());
	h->object = json_tokener_parse_ex(tokener, line, (int)n);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) { /* null, 5: they end here */
		h->object = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
	}
	json_tokener_free(tokener);
	*why = NULL;
	if (error == json_tokener_error_parse_eof)
		*why = "the JSON is not complete";
	else if (error != json_tokener_success)
		*why = mem_printf(mem, "invalid JSON: %s at character %zu",
		    json_tokener_error_desc(error), end + 1);
	else if (memmem(line, n, "\\u0000", 6))
		*why = "NUL in a text";
	else if (end != n)
		*why = "text after the JSON value";
	return *why ? NULL : h->object;
}

struct json_object *
record_parse(TALLOC_CTX *mem, const char *line, size_t n, const char **why)
{
	struct json_object *object = parse(mem, line, n, why);

	if (*why || json_object_is_type(object, json_type_object))
		return object;
	*why = "not a JSON object";
	return NULL;
}

struct json_object *
record_parse_list(TALLOC_CTX *mem, const char *text, size_t n, const char **why)
{
	struct json_object *list = parse(mem, text, n, why);

	if (*why || json_object_is_type(list, json_type_array))
		return list;
	*why = "not a JSON list";
	return NULL;
}

const char *
record_text(struct json_object *record, const char *name)
{
	struct json_object *v;

	if (!json_object_object_get_ex(record, name, &v) ||
	    !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* ------------------------------------------------------------- the values */

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* n digits at s as a number; -1: they are none. */
static int64_t
digits(const char *s, int n)
{
	int64_t v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = 10 * v + (s[i] - '0');
	}
	return v;
}

/* The first ten characters; the string has that many. */
static bool
begins_with_date(const char *s)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int64_t year = digits(s, 4), month = digits(s + 5, 2),
		day = digits(s + 8, 2);

	if (s[4] != '-' || s[7] != '-' || year < 1 || month < 1 || month > 12)
		return false;
	return day >= 1 && (day <= days[month - 1] ||
			       (month == 2 && day == 29 && is_leap(year)));
}

bool
record_is_date(const char *s)
{
	return strlen(s) == 10 && begins_with_date(s);
}

static bool
is_time(const char *s)
{
	return strlen(s) == 20 && begins_with_date(s) && s[10] == 'T' &&
	       digits(s + 11, 2) >= 0 && digits(s + 11, 2) < 24 &&
	       s[13] == ':' && digits(s + 14, 2) >= 0 &&
	       digits(s + 14, 2) < 60 && s[16] == ':' &&
	       digits(s + 17, 2) >= 0 && digits(s + 17, 2) < 60 && s[19] == 'Z';
}

static bool
is_choice(const char *s, const char *choices)
{
	char wrapped[64];

	if (strlen(s) + 3 > sizeof wrapped || strchr(s, '|'))
		return false;
	snprintf(wrapped, sizeof wrapped, "|%s|", s);
	return strstr(choices, wrapped) != NULL;
}

/* What may be a name within paths and keys: no space, slash or bar. */
static bool
is_slug(const char *s)
{
	return *s && !strpbrk(s, " \t\r\n/|?#%");
}

static const char *
check_text(TALLOC_CTX *mem, const struct record_field *f, const char *s)
{
	if (f->max > 0 && text_length(s) > f->max)
		return mem_printf(
		    mem, "%s has more than %zu characters", f->name, f->max);
	switch (f->type) {
	case R_NAME:
		return text_is_blank(s) ?
			   mem_printf(mem, "%s is blank", f->name) :
			   NULL;
	case R_SLUG:
		if (is_slug(s))
			return NULL;
		break;
	case R_USERNAME:
		if (text_is_username(s))
			return NULL;
		break;
	case R_EMAIL:
		if (text_is_email(s))
			return NULL;
		break;
	case R_CHOICE:
		if (is_choice(s, f->choices))
			return NULL;
		break;
	case R_DATE:
		if (record_is_date(s))
			return NULL;
		break;
	case R_TIME:
		if (is_time(s))
			return NULL;
		break;
	default:
		return NULL;
	}
	return mem_printf(mem, "%s \"%s\" is invalid", f->name, s);
}

static const char *
check_list(
    TALLOC_CTX *mem, const struct record_field *f, struct json_object *list)
{
	struct json_object *v;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		v = json_object_array_get_idx(list, i);
		if (!json_object_is_type(v, json_type_string) ||
		    !is_slug(json_object_get_string(v)))
			return mem_printf(
			    mem, "%s has an invalid slug", f->name);
	}
	return NULL;
}

static const char *
check_titles(
    TALLOC_CTX *mem, const struct record_field *f, struct json_object *titles)
{
	static const struct record_field members[] = {
		{ "title", R_NAME, true, 255, NULL },
		{ "synopsis", R_TEXT, false, 0, NULL },
		{ 0 },
	};
	const char *why = record_check(mem, titles, members);

	return why ? mem_printf(mem, "%s: %s", f->name, why) : NULL;
}

static const char *
check_languages(
    TALLOC_CTX *mem, const struct record_field *f, struct json_object *map)
{
	enum json_type type =
	    f->type == R_TITLES ? json_type_object : json_type_string;
	const char *why = NULL;

	json_object_object_foreach(map, language, v)
	{
		if (!is_choice(language, "|en|es|fr|de|"))
			return mem_printf(
			    mem, "%s: language \"%s\"", f->name, language);
		if (!json_object_is_type(v, type))
			return mem_printf(mem, "%s: %s has the wrong type",
			    f->name, language);
		if (f->type == R_TITLES)
			why = check_titles(mem, f, v);
		else if (text_length(json_object_get_string(v)) > f->max &&
			 f->max > 0)
			why = mem_printf(
			    mem, "%s: %s is too long", f->name, language);
		if (why)
			return why;
	}
	return NULL;
}

static const char *
check_int(TALLOC_CTX *mem, const struct record_field *f, struct json_object *v)
{
	int64_t n = -1;

	if (json_object_is_type(v, json_type_int))
		n = json_object_get_int64(v);
	else if (json_object_is_type(v, json_type_string) &&
		 !text_to_int64(json_object_get_string(v), &n))
		n = -1;
	if (n < 0 || (uint64_t)n > f->max)
		return mem_printf(
		    mem, "%s is not a number from 0 to %zu", f->name, f->max);
	return NULL;
}

static bool
is_of_type(const struct record_field *f, struct json_object *v)
{
	switch (f->type) {
	case R_INT:
		return true;
	case R_NUMBER:
		return json_object_is_type(v, json_type_int) ||
		       json_object_is_type(v, json_type_double);
	case R_BOOL:
		return json_object_is_type(v, json_type_boolean);
	case R_SLUGS:
		return json_object_is_type(v, json_type_array);
	case R_TEXTS:
	case R_TITLES:
		return json_object_is_type(v, json_type_object);
	default:
		return json_object_is_type(v, json_type_string);
	}
}

static const char *
check_value(
    TALLOC_CTX *mem, const struct record_field *f, struct json_object *v)
{
	if (!is_of_type(f, v))
		return mem_printf(mem, "%s has the wrong type", f->name);
	switch (f->type) {
	case R_INT:
		return check_int(mem, f, v);
	case R_NUMBER:
	case R_BOOL:
		return NULL;
	case R_SLUGS:
		return check_list(mem, f, v);
	case R_TEXTS:
	case R_TITLES:
		return check_languages(mem, f, v);
	default:
		return check_text(mem, f, json_object_get_string(v));
	}
}

static bool
is_nothing(const struct record_field *f, struct json_object *v)
{
	if (!v)
		return true;
	return !f->wanted && json_object_is_type(v, json_type_string) &&
	       json_object_get_string_len(v) == 0;
}

static const char *
check_known(TALLOC_CTX *mem, struct json_object *record,
    const struct record_field *fields)
{
	json_object_object_foreach(record, name, v)
	{
		const struct record_field *f = fields;

		(void)v;
		while (f->name && strcmp(f->name, name) != 0)
			f++;
		if (!f->name)
			return mem_printf(mem, "unknown member \"%s\"", name);
	}
	return NULL;
}

const char *
record_check(TALLOC_CTX *mem, struct json_object *record,
    const struct record_field *fields)
{
	const char *why = check_known(mem, record, fields);
	struct json_object *v;

	for (const struct record_field *f = fields; f->name && !why; f++) {
		bool there = json_object_object_get_ex(record, f->name, &v);

		if (there && is_nothing(f, v)) {
			json_object_object_del(record, f->name);
			there = false;
		}
		if (there)
			why = check_value(mem, f, v);
		else if (f->wanted)
			why = mem_printf(mem, "%s is missing", f->name);
	}
	return why;
}
