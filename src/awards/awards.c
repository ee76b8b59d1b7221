/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Awards.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

static const struct column award_shape[] = {
	{ "id", C_INT, NULL },
	{ "name", C_TEXT, NULL },
	{ "slug", C_TEXT, NULL },
	{ "category", C_TEXT, NULL },
	{ "icon", C_TEXT, NULL },
	{ "date", C_DATE, NULL },
	{ NULL, C_NULL, NULL },
};

/* The award of the path; its texts are not translated. */
enum err
award_detail(struct req *r)
{
	return reply_one(r, 200, SQL_award_detail, award_shape);
}

/* All awards by page. */
enum err
award_list(struct req *r)
{
	return reply_page(r, SQL_award_list, award_shape);
}
