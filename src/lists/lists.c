/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movie lists of users.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

static const struct column list_shape[] = {
	{ "id", C_INT, NULL },
	{ "name", C_PROSE, NULL },
	{ "slug", C_TEXT, NULL },
	{ "description", C_PROSE, NULL },
	{ "privacity", C_TEXT, NULL },
	{ "user", C_TEXT, NULL },
	{ "movies", C_JSON, NULL },
	{ "created_at", C_TIME, NULL },
	{ "updated_at", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

/* One list with all its movies; 404 when the caller may not see it. */
enum err
list_detail(struct req *r)
{
	return reply_one(r, 200, SQL_list_detail, list_shape);
}
