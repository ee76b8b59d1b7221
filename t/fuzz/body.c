/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes bodies: the first byte chooses style and content type, the rest is the
 * body. What comes out is valid, and every error answer is JSON itself.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/body.h"
#include "http/field.h"
#include "http/jsonscan.h"
#include "http/problem.h"
#include "http_world.h"

static const struct field input[] = {
	{ "t", FROM_BODY, T_TEXT, .flags = REQUIRED | NOT_BLANK,
	    .max_length = 5 },
	{ "r", FROM_BODY, T_PROSE, NULLABLE, .max_length = 9 },
	{ "i", FROM_BODY, T_INT, .min = 1, .max = 5 },
	{ "b", FROM_BODY, T_BOOL, .flags = 0 },
	{ "c", FROM_BODY, T_CHOICE, .choices = "P,F,R" },
	{ "l", FROM_BODY, T_LIST, .max_length = 9 },
	{ "n", FROM_BODY, T_INTS, .flags = 0 },
	{ "d", FROM_BODY, T_TEXT, DIGITS_ONLY, .max_length = 9 },
	{ "f", FROM_FILE, T_FILE, .flags = 0 },
	{ 0 },
};

static const char *const types[] = {
	"application/json",
	"application/x-www-form-urlencoded",
	"multipart/form-data; boundary=X",
	"text/plain",
};

static void
check_values(struct req *r)
{
	const char *text = input_text(r, "t");
	const struct field_value *list = input_of(r, "l");
	size_t i;

	assert(text && text_length(text) <= 5 && !text_is_blank(text));
	assert(text_is_utf8(text, strlen(text)));
	for (i = 0; i < list->count; i++)
		assert(text_is_utf8(list->texts[i], strlen(list->texts[i])));
}

/* What the scan lets pass, json-c can read; the reverse is not so. */
static void
check_scan(struct req *r)
{
	struct jsonscan scan;
	struct body body;

	if (jsonscan(r->body, r->body_len, &scan) && body_json(r, &body))
		assert(!body.json ||
		       !json_object_is_type(body.json, json_type_object) ||
		       body.fault == MSG_JSON_TWICE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct req *r;
	struct jsonscan scan;
	const char *body;
	enum err e;

	if (size == 0)
		return 0;
	r = world_post(types[data[0] & 3],
	    mem_textn(NULL, (const char *)data + 1, size - 1));
	r->body_len = size - 1;
	world_conf.body_limit = SIZE_MAX;
	world_route(r, (enum style)(data[0] >> 2 & 3), input);
	check_scan(r);
	e = field_read_query(r);
	assert(!e);
	e = field_read_body(r);
	if (!e && r->body_len > 0) {
		check_values(r);
	} else if (e) {
		problem_reply(r, e);
		body = world_body(r);
		assert(jsonscan(body, strlen(body), &scan));
	}
	talloc_free((char *)r->body);
	talloc_free(r->mem);
	return 0;
}
