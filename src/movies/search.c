/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Searching and filtering movies.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "http/handlers.h"
#include "movies/movies.h"

const struct field movie_search_input[] = {
	{ "name", FROM_QUERY, T_TEXT, 0, .max_length = 255 },
	{ "genres", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "platforms", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "directors", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "actors", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "celebrities", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "stars", FROM_QUERY, T_INTS, 0 },
	{ "marked_unseen", FROM_QUERY, T_BOOL, 0 },
	{ "reviewed", FROM_QUERY, T_BOOL, 0 },
	{ "page", FROM_QUERY, T_PAGE, 0, .def = 1 },
	{ "limit", FROM_QUERY, T_LIMIT, 0, .def = 10 },
	{ 0 },
};

/* A list as an array; NULL, which filters nothing, when it is not given. */
static struct arg
arg_list(const struct req *r, const char *name)
{
	const struct field_value *v = input_of(r, name);

	return v->count > 0 ? arg_text_array(v->texts, v->count) : arg_null();
}

static struct arg
arg_stars(const struct req *r)
{
	const struct field_value *v = input_of(r, "stars");

	return v->count > 0 ? arg_int_array(v->numbers, v->count) : arg_null();
}

/* What is searched for; an empty name is none. */
static const char *
name_of(const struct req *r)
{
	const char *name = input_text(r, "name");

	return name && *name ? name : NULL;
}

/*
 * A page of movies, newest first; when no title contains the name, those that
 * resemble it, best first.
 */
enum err
movie_search(struct req *r)
{
	struct rows rows;
	enum err e;

	e = query_all(r->mem, r->db, &rows, SQL_movie_search,
	    arg_text(lang_code(r->lang)), arg_text(r->conf->public_origin),
	    arg_text(name_of(r)), arg_id(r->account->id), arg_list(r, "genres"),
	    arg_list(r, "platforms"), arg_list(r, "directors"),
	    arg_list(r, "actors"), arg_list(r, "celebrities"), arg_stars(r),
	    arg_bool(input_bool(r, "marked_unseen")),
	    arg_bool(input_bool(r, "reviewed")), arg_id(input_int(r, "page")),
	    arg_id(input_int(r, "limit")));
	if (e)
		return e;
	return reply_page(r, &rows, movie_shape);
}
