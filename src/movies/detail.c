/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One movie.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "http/handlers.h"
#include "movies/movies.h"

/* The movie of the path, in the caller's language. */
enum err
movie_detail(struct req *r)
{
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_movie_detail,
	    arg_text(lang_code(r->lang)), arg_text(r->conf->public_origin),
	    arg_text(path_of(r, "movie")));
	if (e == ERR_NOT_FOUND)
		return fail_param(r, "movie");
	if (e)
		return e;
	return reply_row(r, 200, &row, movie_shape);
}
