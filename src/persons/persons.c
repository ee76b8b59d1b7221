/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Persons of the catalogue: detail, lists and searches, films, followers.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "movies/movies.h"

/* Length of the bare lists /actors and /directors. */
#define BARE_MAX 1000

const struct field person_search_input[] = {
	{ "search_query", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	PAGE_FIELDS,
	{ 0 },
};

const struct field person_name_input[] = {
	{ "name", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	PAGE_FIELDS,
	{ 0 },
};

const struct field person_stretch_input[] = {
	{ "search_query", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	CURSOR_FIELDS,
	{ 0 },
};

static const struct column person_shape[] = {
	{ "id", C_INT, NULL },
	{ "name", C_TEXT, NULL },
	{ "slug", C_TEXT, NULL },
	{ "image", C_TEXT, NULL },
	{ "awards", C_JSON, NULL },
	{ "biography", C_TEXT, NULL },
	{ "birthday", C_DATE, NULL },
	{ "deathday", C_DATE, NULL },
	{ "gender", C_INT, NULL },
	{ NULL, C_NULL, NULL },
};

static const char actor[] = "actor", director[] = "director";

enum err
person_detail(struct req *r)
{
	return reply_one(r, 200, SQL_person_detail, person_shape);
}

/* A page of persons by name; role NULL: in any or no role. */
static enum err
reply_by_name(struct req *r, const char *role, const char *name)
{
	bind_arg(r, "role", arg_text(role));
	bind_arg(r, "search", arg_text(name));
	return reply_page(r, SQL_person_page, person_shape);
}

enum err
person_search(struct req *r)
{
	return reply_by_name(r, NULL, input_text(r, "search_query"));
}

enum err
actor_list(struct req *r)
{
	return reply_by_name(r, actor, input_text(r, "name"));
}

enum err
director_list(struct req *r)
{
	return reply_by_name(r, director, input_text(r, "name"));
}

static enum err
reply_stretch(struct req *r, const char *role)
{
	bind_arg(r, "role", arg_text(role));
	return reply_cursor(r, SQL_person_stretch, person_shape);
}

enum err
actor_search(struct req *r)
{
	return reply_stretch(r, actor);
}

enum err
director_search(struct req *r)
{
	return reply_stretch(r, director);
}

/* The first BARE_MAX of a role, by name. */
static enum err
reply_bare(struct req *r, const char *role)
{
	bind_arg(r, "role", arg_text(role));
	bind_arg(r, "search", arg_null());
	bind_arg(r, "page", arg_id(1));
	bind_arg(r, "size", arg_id(BARE_MAX));
	return reply_all(r, SQL_person_page, person_shape);
}

enum err
actor_list_all(struct req *r)
{
	return reply_bare(r, actor);
}

enum err
director_list_all(struct req *r)
{
	return reply_bare(r, director);
}

static enum err
reply_films(struct req *r, const char *role)
{
	bind_arg(r, "role", arg_text(role));
	return reply_cursor(r, SQL_person_films, movie_shape);
}

enum err
person_acted_movies(struct req *r)
{
	return reply_films(r, actor);
}

enum err
person_directed_movies(struct req *r)
{
	return reply_films(r, director);
}

/* The persons that the caller follows. */
enum err
following_list(struct req *r)
{
	return reply_cursor(r, SQL_following_list, person_shape);
}

/* Follows a person; may be repeated. */
enum err
person_follow(struct req *r)
{
	return reply_true(r, SQL_follow_insert, "status");
}

/* The opposite; may be repeated. */
enum err
person_unfollow(struct req *r)
{
	return reply_true(r, SQL_follow_delete, "status");
}
