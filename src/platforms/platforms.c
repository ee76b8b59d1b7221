/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streaming platforms.
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

/* All platforms as a bare list. */
enum err
platform_list(struct req *r)
{
	return reply_all(r, SQL_platform_list, platform_shape);
}
