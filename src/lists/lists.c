/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movie lists of users: read, search, create, change, and their movies.
 */
#include "base/base.h"

#include <strings.h>

#include "api/api.h"
#include "base/conf.h"
#include "base/text.h"
#include "http/handlers.h"
#include "movies/movies.h"
#include "recommendations/smart_list.h"
#include "recommendations/steering.h"

const struct field list_input[] = {
	{ "name", FROM_BODY, T_PROSE, REQUIRED | NOT_BLANK,
	    .max_length = LENGTH_TITLE },
	{ "description", FROM_BODY, T_PROSE, REQUIRED,
	    .max_length = LENGTH_DESCRIPTION },
	{ "privacity", FROM_BODY, T_CHOICE, REQUIRED, .choices = "P,F,R" },
	{ 0 },
};

const struct field list_create_input[] = {
	{ "intelligent", FROM_QUERY, T_TEXT, 0, .max_length = 255 },
	{ "genres", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "celebrities", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	{ "friends", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_NAME },
	{ "name", FROM_BODY, T_PROSE, REQUIRED | NOT_BLANK,
	    .max_length = LENGTH_TITLE },
	{ "description", FROM_BODY, T_PROSE, REQUIRED,
	    .max_length = LENGTH_DESCRIPTION },
	{ "privacity", FROM_BODY, T_CHOICE, REQUIRED, .choices = "P,F,R" },
	{ 0 },
};

const struct field list_query_input[] = {
	{ "query", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	PAGE_FIELDS,
	{ 0 },
};

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

/* ---------------------------------------------------------------- reading */

/* One list with all its movies; 404 when the caller may not see it. */
enum err
list_detail(struct req *r)
{
	return reply_one(r, 200, SQL_list_detail, list_shape);
}

/* The caller's own lists. */
enum err
list_of_self(struct req *r)
{
	return reply_page(r, SQL_list_of_self, list_shape);
}

/* The lists of a user that the caller may see. */
enum err
list_of_user(struct req *r)
{
	return reply_cursor(r, SQL_list_of_user, list_shape);
}

/* The text of the search; NULL: all. */
static const char *
query_of(struct req *r)
{
	const char *query = input_text(r, "query");

	return query && *query ? query : NULL;
}

/* Among all lists that the caller may see, by name. */
enum err
list_search(struct req *r)
{
	return reply_page(
	    r, query_of(r) ? SQL_list_search : SQL_list_search_all, list_shape);
}

/* Movies of a list by title, in its order. */
enum err
list_movie_search(struct req *r)
{
	bind_arg(r, "query", arg_text(query_of(r)));
	return reply_page(r, SQL_list_movie_search, movie_shape);
}

/* The slugs of the caller's lists that contain the movie, as a bare list. */
enum err
movie_list_slugs(struct req *r)
{
	struct json *j;
	struct row row;
	enum err e;

	e = run_one(r, SQL_list_slugs_of_movie, &row);
	if (e)
		return e;
	j = reply_json(r, 200);
	json_raw(j, row_text(&row, "slugs"));
	return reply_done(r, j);
}

/* ---------------------------------------------------------------- writing */

static bool
is_smart(struct req *r)
{
	const char *text = input_text(r, "intelligent");

	return text && *text && strcasecmp(text, "false") != 0;
}

/* The genres, persons and friends of the query must exist. */
static enum err
check_criteria(struct req *r)
{
	struct row row;
	enum err e;

	e = run_one(r, SQL_smart_list_check, &row);
	if (!e)
		e = steering_check_name(
		    r, &row, "genre", "genres", MSG_NO_GENRE);
	if (!e)
		e = steering_check_name(
		    r, &row, "celebrity", "celebrities", MSG_NO_CELEBRITY);
	if (!e)
		e = steering_check_name(
		    r, &row, "friend", "friends", MSG_NO_FRIEND);
	return e;
}

static enum err
choose_movies(struct req *r, struct ids *out)
{
	struct smart_list list = {
		.owner = r->account->id,
		.genres = steering_names(r, "genres"),
		.celebrities = steering_names(r, "celebrities"),
		.friends = steering_names(r, "friends"),
		.bonus = r->conf->recommend_bonus,
		.director = r->conf->recommend_director,
	};
	enum err e;

	e = check_criteria(r);
	return e ? e : smart_list_choose(r->mem, r->db, r->model, &list, out);
}

static void
bind_slug(struct req *r)
{
	bind_arg(r, "slug", arg_text(text_slug(r->mem, input_text(r, "name"))));
}

/* A smart list is filled with movies chosen for the caller, best first. */
enum err
list_create(struct req *r)
{
	struct ids movies = { 0 };
	enum err e = ERR_OK;

	if (is_smart(r))
		e = choose_movies(r, &movies);
	if (e)
		return e;
	bind_slug(r);
	bind_arg(r, "movies", arg_int_array(movies.id, movies.n));
	return reply_one(r, 201, SQL_list_insert, list_shape);
}

/* The slug follows the name. */
enum err
list_update(struct req *r)
{
	bind_slug(r);
	return reply_one(r, 200, SQL_list_update, list_shape);
}

enum err
list_delete(struct req *r)
{
	return reply_true(r, SQL_list_delete, "success");
}

/* Adding a movie twice, or removing one that is not there, changes nothing. */
enum err
list_movie_add(struct req *r)
{
	return reply_one(r, 200, SQL_list_movie_insert, list_shape);
}

enum err
list_movie_remove(struct req *r)
{
	return reply_true(r, SQL_list_movie_delete, "success");
}
