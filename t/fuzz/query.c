/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes query strings: pairs, and every type a field of a query can have.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/field.h"
#include "http/jsonscan.h"
#include "http/params.h"
#include "http/problem.h"
#include "http_world.h"

static const struct field input[] = {
	{ "t", FROM_QUERY, T_TEXT, .max_length = 5 },
	{ "r", FROM_QUERY, T_PROSE, NOT_BLANK, .max_length = 9 },
	{ "i", FROM_QUERY, T_INT, .min = 1, .max = 5 },
	{ "b", FROM_QUERY, T_BOOL, .flags = 0 },
	{ "c", FROM_QUERY, T_CHOICE, .choices = "P,F,R" },
	{ "l", FROM_QUERY, T_LIST, .max_length = 9 },
	{ "n", FROM_QUERY, T_INTS, .flags = 0 },
	{ "page", FROM_QUERY, T_PAGE, .def = 1 },
	{ "limit", FROM_QUERY, T_LIMIT, .def = 20 },
	{ "last_id", FROM_QUERY, T_CURSOR, .flags = 0 },
	{ 0 },
};

static void
check_values(struct req *r)
{
	const char *text = input_text(r, "t");
	int64_t n = input_int(r, "i");
	struct buf digest;

	assert(!text || text_length(text) <= 5);
	assert(!input_given(r, "i") || (n >= 1 && n <= 5));
	assert(input_int(r, "page") >= 1);
	assert(input_int(r, "limit") >= 1 && input_int(r, "limit") <= 100);
	assert(input_int(r, "last_id") >= 0);
	buf_init(&digest, r->mem, 64);
	field_digest_text(r, &digest);
	assert(text_is_utf8(digest.data, digest.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct req *r = world_request("GET", "/");
	struct params params;
	struct jsonscan scan;
	const char *body;
	enum err e;
	size_t i;

	params_parse(r->mem, (const char *)data, size, &params);
	assert(params.n <= PARAMS_MAX);
	for (i = 0; i < params.n; i++) {
		const char *value = params.list[i].value;

		assert(text_is_utf8(value, strlen(value)));
	}
	r->query = mem_textn(r->mem, (const char *)data, size);
	world_route(r, STYLE_ERROR, input);
	e = field_read_query(r);
	if (!e) {
		check_values(r);
	} else {
		problem_reply(r, e);
		body = world_body(r);
		assert(jsonscan(body, strlen(body), &scan));
	}
	talloc_free(r->mem);
	return 0;
}
