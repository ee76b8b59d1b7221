/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parses bodies into named values, by content type or always as JSON.
 */
#include "base/base.h"

#include <json-c/json.h>
#include <strings.h>

#include "base/mem.h"
#include "http/body.h"
#include "http/jsonscan.h"
#include "http/multipart.h"
#include "http/params.h"

/* json-c counts levels differently; jsonscan() has checked the depth. */
#define TOKENER_DEPTH (2 * JSON_DEPTH_MAX)

/* A tree that is freed with its context. */
struct json_holder {
	struct json_object *json;
};

static int
json_holder_free(struct json_holder *h)
{
	json_object_put(h->json);
	return 0;
}

static struct json_object *
json_hold(TALLOC_CTX *mem, struct json_object *json)
{
	struct json_holder *h = mem_new(mem, struct json_holder);

	h->json = json;
	talloc_set_destructor(h, json_holder_free);
	return json;
}

/* Whether the content type, without its parameters, is `type`. */
static bool
type_is(const char *content_type, const char *type)
{
	size_t n = strcspn(content_type, "; \t");

	return n == strlen(type) && strncasecmp(content_type, type, n) == 0;
}

enum body_kind
body_kind_of(const struct req *r)
{
	if (r->body_len == 0 && !r->body_too_large)
		return BODY_EMPTY;
	if (type_is(r->content_type, "application/json"))
		return BODY_JSON;
	if (type_is(r->content_type, "application/x-www-form-urlencoded"))
		return BODY_FORM;
	if (type_is(r->content_type, "multipart/form-data"))
		return BODY_MULTIPART;
	return BODY_UNKNOWN;
}

/* Members of all objects of a tree, those inside lists included. */
static size_t
count_keys(struct json_object *json)
{
	struct json_object_iterator it, end;
	size_t n = 0, i;

	if (json_object_is_type(json, json_type_array)) {
		for (i = 0; i < json_object_array_length(json); i++)
			n += count_keys(json_object_array_get_idx(json, i));
		return n;
	}
	if (!json_object_is_type(json, json_type_object))
		return 0;
	it = json_object_iter_begin(json);
	end = json_object_iter_end(json);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
		n += 1 + count_keys(json_object_iter_peek_value(&it));
	return n;
}

/* The tree of a text that jsonscan() has accepted. */
static struct json_object *
build(struct req *r)
{
	struct json_tokener *tokener = json_tokener_new_ex(TOKENER_DEPTH);
	struct json_object *json;

	mem_need(tokener);
	json_tokener_set_flags(tokener, json_flags());
	/* with its NUL, which terminates a number at the end */
	json = json_tokener_parse_ex(tokener, r->body, (int)(r->body_len + 1));
	if (json && json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(json);
		json = NULL;
	}
	json_tokener_free(tokener);
	return json ? json_hold(r->mem, json) : NULL;
}

static enum err
read_json(struct req *r, size_t values, struct body *out)
{
	struct jsonscan scan;

	memset(out, 0, sizeof *out);
	out->kind = BODY_JSON;
	if (!jsonscan_most(r->body, r->body_len, values, &scan)) {
		out->fault = scan.fault;
		out->fault_at = scan.at;
		out->has_place = true;
		return ERR_BAD_JSON;
	}
	out->json = build(r);
	if (!out->json || !json_object_is_type(out->json, json_type_object)) {
		out->fault = MSG_JSON_OBJECT;
		return ERR_BAD_JSON;
	}
	/* json-c keeps the last of duplicate keys, so the tree has fewer */
	if (count_keys(out->json) != scan.keys) {
		out->fault = MSG_JSON_TWICE;
		return ERR_BAD_JSON;
	}
	return ERR_OK;
}

enum err
body_json(struct req *r, struct body *out)
{
	return read_json(r, JSON_VALUES_MAX, out);
}

enum err
body_document(struct req *r, struct body *out)
{
	return read_json(r, BODY_DOCUMENT_VALUES, out);
}

const char *
body_member(struct json_object *json, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static enum err
body_form(struct req *r, struct body *out)
{
	struct params params;
	size_t i;

	params_parse(r->mem, r->body, r->body_len, &params);
	if (params.bad) {
		out->fault = MSG_FORM_ENCODING;
		return ERR_INVALID;
	}
	out->parts = mem_array(r->mem, struct body_part, params.n + 1);
	for (i = 0; i < params.n; i++) {
		out->parts[i].name = params.list[i].name;
		out->parts[i].text = params.list[i].value;
	}
	out->n = params.n;
	return ERR_OK;
}

enum err
body_any(struct req *r, struct body *out)
{
	memset(out, 0, sizeof *out);
	out->kind = body_kind_of(r);
	switch (out->kind) {
	case BODY_EMPTY:
		return ERR_OK;
	case BODY_JSON:
		return body_json(r, out);
	case BODY_FORM:
		return body_form(r, out);
	case BODY_MULTIPART:
		return multipart_parse(
		    r->mem, r->content_type, r->body, r->body_len, out);
	case BODY_UNKNOWN:
		break;
	}
	return ERR_MEDIA_TYPE;
}

/* The position of byte `at`: "line 1 column 3 (char 2)". */
static const char *
place_of(const struct req *r, size_t at)
{
	size_t line = 1, column = 1, i;

	for (i = 0; i < at; i++) {
		column++;
		if (r->body[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return msg_format(r->mem, r->lang, MSG_PARSE_PLACE,
	    (const char *const[3]){ mem_printf(r->mem, "%zu", line),
		mem_printf(r->mem, "%zu", column),
		mem_printf(r->mem, "%zu", at) });
}

const char *
body_fault(const struct req *r, const struct body *body)
{
	const char *what = msg_text(r->lang, body->fault);

	if (!body->has_place)
		return what;
	return msg_format(r->mem, r->lang, MSG_PARSE_AT,
	    (const char *const[3]){ what, place_of(r, body->fault_at) });
}
