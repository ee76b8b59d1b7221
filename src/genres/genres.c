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
	struct rows rows;
	enum err e;

	e = query_all(
	    r->mem, r->db, &rows, SQL_genre_list, arg_text(lang_code(r->lang)));
	if (e)
		return e;
	return reply_rows(r, &rows, genre_shape);
}
