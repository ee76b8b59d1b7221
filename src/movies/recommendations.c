/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies the caller may like.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "http/handlers.h"
#include "movies/movies.h"

#define RECOMMENDATIONS 20

/* Up to twenty movies as a bare list, best first. */
enum err
movie_recommendations(struct req *r)
{
	struct rows rows;
	enum err e;

	e = query_all(r->mem, r->db, &rows, SQL_movie_recommended,
	    arg_text(lang_code(r->lang)), arg_text(r->conf->public_origin),
	    arg_id(r->account->id), arg_int(RECOMMENDATIONS));
	if (e)
		return e;
	return reply_rows(r, &rows, movie_shape);
}
