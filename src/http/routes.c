/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The route table, expanded from routes.def.
 */
#include "base/base.h"

#include "http/handlers.h"
#include "http/route.h"

/* What the key of a kept answer is made of, beside path and query. */
enum part { BY_NOBODY = 0, BY_LANG = 1, BY_VIEWER = 2, BY_MODEL = 4 };

#define KEEP(SECONDS, DEPENDS, PARTS)                  \
	.keep = { .seconds = (SECONDS),                \
		.depends = (DEPENDS),                  \
		.by_viewer = ((PARTS)&BY_VIEWER) != 0, \
		.by_lang = ((PARTS)&BY_LANG) != 0,     \
		.by_model = ((PARTS)&BY_MODEL) != 0 }
#define TOUCH(ON) .touches = (ON)
#define NEVER     .touches = 0

#define ROW(METHOD, PATTERN, HANDLER, GUARD, POOL, LIMIT, STYLE, INPUT, ...) \
	{ .method = METHOD_##METHOD,                                         \
		.pattern = PATTERN,                                          \
		.name = #HANDLER,                                            \
		.handle = HANDLER,                                           \
		.guard = GUARD,                                              \
		.pool = POOL,                                                \
		.limit = LIMIT,                                              \
		.style = STYLE,                                              \
		.input = INPUT,                                              \
		.writes = METHOD_##METHOD != METHOD_GET,                     \
		__VA_ARGS__ },
#define ROUTE(METHOD, PATH, HANDLER, GUARD, POOL, LIMIT, STYLE, INPUT, ...) \
	ROW(METHOD, "/api" PATH, HANDLER, GUARD, POOL, LIMIT, STYLE, INPUT, \
	    __VA_ARGS__)
#define ROUTE_TOP ROW

const struct route routes[] = {
#include "routes.def"
};

const int n_routes = (int)array_len(routes);
