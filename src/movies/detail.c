/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One movie.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "movies/movies.h"

/* The movie of the path, in the caller's language. */
enum err
movie_detail(struct req *r)
{
	return reply_one(r, 200, SQL_movie_detail, movie_shape);
}
