/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the address of a request and the search in the route table.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/jsonscan.h"
#include "http/problem.h"
#include "http/route.h"
#include "http_world.h"

static void
check_match(const struct route_match *match)
{
	const char *param;
	int i;

	assert(!match->route || match->allowed);
	for (i = 0; i < PATH_PARAMS_MAX; i++) {
		param = match->param[i];
		if (!param)
			continue;
		assert(param[0] && text_is_utf8(param, strlen(param)));
		assert(!strstr(param, PATH_SLASH));
	}
}

/* Records the 404 of the first parameter, or of one that is no number. */
static void
check_params(struct req *r, const struct route_match *match)
{
	char *name = mem_text(r->mem, strchr(match->route->pattern, '{') + 1);

	name[strcspn(name, "}")] = '\0';
	r->route = match->route;
	memcpy(r->path_param, match->param, sizeof match->param);
	if (route_check_numbers(r) == ERR_OK)
		assert(fail_param(r, name) == ERR_NOT_FOUND);
	assert(path_key(r, name)[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct req *r =
	    world_request("GET", mem_textn(mem, (const char *)data, size));
	struct route_match match;
	struct jsonscan scan;
	const char *body;

	if (!r->bad_path) {
		assert(text_is_utf8(r->path, strlen(r->path)));
		route_find(r->mem, r->method, r->path, &match);
		check_match(&match);
		if (match.param[0]) {
			check_params(r, &match);
			problem_reply(r, ERR_NOT_FOUND);
			body = world_body(r);
			assert(jsonscan(body, strlen(body), &scan));
		}
	}
	talloc_free(r->mem);
	talloc_free(mem);
	return 0;
}
