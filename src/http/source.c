/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries, forms and JSON as raw values.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "http/body.h"
#include "http/params.h"
#include "http/source.h"

/* Whether `given` is the name of the field; lists may have brackets. */
static bool
name_fits(const struct field *f, const char *given)
{
	size_t n = strlen(f->name);

	if (strncmp(given, f->name, n) != 0)
		return false;
	if (given[n] == '\0')
		return true;
	return (f->type == T_LIST || f->type == T_INTS) &&
	       strcmp(given + n, "[]") == 0;
}

static struct raw
raw_of_json(struct json_object *json)
{
	struct raw raw = { .kind = RAW_OTHER };

	switch (json_object_get_type(json)) {
	case json_type_null:
		raw.kind = RAW_NULL;
		break;
	case json_type_string:
		raw.kind = RAW_TEXT;
		raw.text = json_object_get_string(json);
		break;
	case json_type_int:
		raw.kind = RAW_INT;
		raw.number = json_object_get_int64(json);
		break;
	case json_type_double:
		raw.kind = RAW_DOUBLE;
		raw.fraction = json_object_get_double(json);
		raw.text = json_object_get_string(json);
		break;
	case json_type_boolean:
		raw.kind = RAW_BOOL;
		raw.number = json_object_get_boolean(json);
		break;
	case json_type_array:
		raw.kind = RAW_LIST;
		raw.list = json;
		break;
	case json_type_object:
		break;
	}
	return raw;
}

static struct raw
raw_of_part(const struct body_part *part)
{
	struct raw raw = { .kind = RAW_BAD };

	if (part->text) {
		raw.kind = RAW_TEXT;
		raw.text = part->text;
	} else if (part->file) {
		raw.kind = RAW_FILE;
		raw.file = part->file;
		/* the value of an empty form field */
		if (part->file->len == 0 && !part->file->filename[0])
			raw.kind = RAW_ABSENT;
	}
	return raw;
}

/* Number of values of a query or form with any name; 0 for JSON. */
static size_t
source_size(const struct source *s)
{
	if (s->query)
		return s->query->n;
	return s->body ? s->body->n : 0;
}

/* The i-th value if it belongs to the field, else RAW_ABSENT. */
static struct raw
source_at(const struct source *s, size_t i, const struct field *f)
{
	struct raw raw = { .kind = RAW_ABSENT };

	if (s->query) {
		if (name_fits(f, s->query->list[i].name)) {
			raw.kind = RAW_TEXT;
			raw.text = s->query->list[i].value;
		}
	} else if (name_fits(f, s->body->parts[i].name)) {
		raw = raw_of_part(&s->body->parts[i]);
	}
	return raw;
}

struct raw
source_last(const struct source *s, const struct field *f)
{
	struct raw raw = { .kind = RAW_ABSENT }, next;
	struct json_object *json;
	size_t n = source_size(s), i;

	if (s->body && s->body->json) {
		if (json_object_object_get_ex(s->body->json, f->name, &json))
			raw = raw_of_json(json);
		return raw;
	}
	for (i = 0; i < n; i++) {
		next = source_at(s, i, f);
		if (next.kind != RAW_ABSENT)
			raw = next;
	}
	return raw;
}

size_t
source_all(struct req *r, const struct source *s, const struct field *f,
    struct raw **list)
{
	struct raw raw = source_last(s, f);
	size_t n, i, count = 0;

	*list = NULL;
	if (raw.kind == RAW_ABSENT || raw.kind == RAW_NULL)
		return 0;
	if (!s->body || !s->body->json) {
		n = source_size(s);
		*list = mem_array(r->mem, struct raw, n);
		for (i = 0; i < n; i++) {
			raw = source_at(s, i, f);
			/* an empty filter is ignored */
			if (raw.kind != RAW_ABSENT &&
			    !(s->query && raw.text[0] == '\0'))
				(*list)[count++] = raw;
		}
		return count;
	}
	n = raw.kind == RAW_LIST ? json_object_array_length(raw.list) : 1;
	*list = mem_array(r->mem, struct raw, n + 1);
	for (i = 0; i < n; i++)
		(*list)[i] =
		    raw.kind == RAW_LIST ?
			raw_of_json(json_object_array_get_idx(raw.list, i)) :
			raw;
	return n;
}
