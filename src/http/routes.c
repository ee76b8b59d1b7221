/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The route table, expanded from routes.def. ROW sets the defaults first, which
 * the members of the row override; only here that warning is disabled.
 */
#include "base/base.h"

#include "http/handlers.h"
#include "http/route.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

/* Parts of the key of a cached answer, in addition to path and query. */
enum part { BY_NOBODY = 0, BY_LANG = 1, BY_VIEWER = 2, BY_MODEL = 4 };

#define CACHE(SECONDS, DEPENDS, PARTS)                      \
	{                                                   \
		.seconds = (SECONDS), .depends = (DEPENDS), \
		.by_viewer = ((PARTS)&BY_VIEWER) != 0,      \
		.by_lang = ((PARTS)&BY_LANG) != 0,          \
		.by_model = ((PARTS)&BY_MODEL) != 0         \
	}
#define NO_CACHE             \
	{                    \
		.seconds = 0 \
	}

#define ROW(METHOD, PATTERN, HANDLER, ...) \
	{ .method = METHOD_##METHOD,       \
		.pattern = PATTERN,        \
		.name = #HANDLER,          \
		.handle = HANDLER,         \
		.guard = VERIFIED,         \
		.pool = FAST,              \
		.limits = LIMIT(L_USER),   \
		.style = STYLE_ERROR,      \
		.input = no_input,         \
		.needs_database = true,    \
		__VA_ARGS__ },
/* The trailing comma is for rows without further members. */
#define ROUTE(METHOD, PATH, ...)     ROW(METHOD, "/api" PATH, __VA_ARGS__, )
#define ROUTE_TOP(METHOD, PATH, ...) ROW(METHOD, PATH, __VA_ARGS__, )

const struct route routes[] = {
#include "routes.def"
};

const int n_routes = (int)array_len(routes);
