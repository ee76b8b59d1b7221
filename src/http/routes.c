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

#define ROW(METHOD, LIMITS, PATTERN, HANDLER, ...) \
	{ .method = METHOD_##METHOD,               \
		.pattern = PATTERN,                \
		.name = #HANDLER,                  \
		.handle = HANDLER,                 \
		.guard = VERIFIED,                 \
		.pool = FAST,                      \
		.limits = LIMITS,                  \
		.style = STYLE_ERROR,              \
		.input = no_input,                 \
		.needs_database = true,            \
		__VA_ARGS__ },
/* The trailing comma is for rows without further members. */
#define ROUTE(METHOD, PATH, ...) \
	ROW(METHOD, LIMIT(L_USER), "/api" PATH, __VA_ARGS__, )
#define ROUTE_TOP(METHOD, PATH, ...) \
	ROW(METHOD, LIMIT(L_USER), PATH, __VA_ARGS__, )
#define SEARCH(METHOD, PATH, ...) \
	ROW(METHOD, LIMIT(L_USER) | LIMIT(L_SEARCH), "/api" PATH, __VA_ARGS__, )
#define WRITE(METHOD, PATH, ...) \
	ROW(METHOD, LIMIT(L_USER) | LIMIT(L_WRITE), "/api" PATH, __VA_ARGS__, )

const char *const pool_names[POOL__MAX] = { [FAST] = "fast", [SLOW] = "slow" };

const char *const limit_names[L__MAX] = {
	[L_NONE] = "none",
	[L_PUBLIC] = "public",
	[L_LOGIN] = "login",
	[L_CODE] = "code",
	[L_USER] = "user",
	[L_NAME] = "name",
	[L_SEARCH] = "search",
	[L_WRITE] = "write",
};

const struct route routes[] = {
#include "routes.def"
};

const int n_routes = (int)array_len(routes);
