/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Genres.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

static const struct column genre_shape[] = {
	{ "id", C_INT, NULL },
	{ "name", C_TEXT, NULL },
	{ "slug", C_TEXT, NULL },
	{ NULL, C_NULL, NULL },
};

/* All genres as a bare list, named in the caller's language. */
enum err
genre_list(struct req *r)
{
	return reply_all(r, SQL_genre_list, genre_shape);
}
