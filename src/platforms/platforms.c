/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streaming platforms, and those of the caller.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

static const struct column platform_shape[] = {
	{ "id", C_INT, NULL },
	{ "name", C_TEXT, NULL },
	{ "slug", C_TEXT, NULL },
	{ "url", C_TEXT, NULL },
	{ "image", C_TEXT, NULL },
	{ NULL, C_NULL, NULL },
};

static const struct column own_shape[] = {
	{ "platforms", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

const struct field user_platforms_input[] = {
	{ "platforms", FROM_BODY, T_LIST, REQUIRED, .max_length = LENGTH_SLUG },
	{ 0 },
};

/* All platforms as a bare list. */
enum err
platform_list(struct req *r)
{
	return reply_all(r, SQL_platform_list, platform_shape);
}

/* The slugs of the caller's platforms. */
enum err
user_platforms_get(struct req *r)
{
	return reply_one(r, 200, SQL_user_platforms, own_shape);
}

/* Replaces them; an empty list removes all. */
enum err
user_platforms_set(struct req *r)
{
	return reply_one(r, 200, SQL_user_platforms_set, own_shape);
}
