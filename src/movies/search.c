/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Searching and filtering movies, and trending ones.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "movies/movies.h"

const struct field movie_search_input[] = {
	{ "name", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	{ "genres", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "platforms", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "directors", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "actors", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "celebrities", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "stars", FROM_QUERY, T_INTS, 0 },
	{ "marked_unseen", FROM_QUERY, T_BOOL, 0 },
	{ "reviewed", FROM_QUERY, T_BOOL, 0 },
	PAGE_FIELDS,
	{ 0 },
};

/*
 * A page of movies, newest first, with a name the best matches first; when no
 * title contains the name, those that resemble it, best first.
 */
enum err
movie_search(struct req *r)
{
	return reply_page(r, SQL_movie_search, movie_shape);
}

/* A page of what users rate lately, the most first. */
enum err
movie_trending(struct req *r)
{
	return reply_page(r, SQL_movie_trending, movie_shape);
}
