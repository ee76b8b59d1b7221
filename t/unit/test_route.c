/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search in the route table (the small one of http_world.c).
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "http_world.h"

static const char *
name_at(enum method method, const char *path)
{
	struct route_match match;

	route_find(NULL, method, path, &match);
	return match.route ? match.route->name : "";
}

Test(route, finds_rows)
{
	cr_assert_str_eq(name_at(METHOD_GET, "/api/movies/"), "movies");
	cr_assert_str_eq(name_at(METHOD_GET, "/api/movies/heat/"), "movie");
	cr_assert_str_eq(
	    name_at(METHOD_PUT, "/api/movies/heat/ratings/"), "rating_put");
	cr_assert_str_eq(name_at(METHOD_GET, "/healthz"), "health");
}

Test(route, does_without_the_last_slash)
{
	cr_assert_str_eq(name_at(METHOD_GET, "/api/movies"), "movies");
	cr_assert_str_eq(name_at(METHOD_GET, "/api/movies/heat"), "movie");
	cr_assert_str_eq(name_at(METHOD_GET, "/healthz/"), "health");
}

Test(route, prefers_literals)
{
	cr_assert_str_eq(
	    name_at(METHOD_GET, "/api/movies/searching/"), "search");
	cr_assert_str_eq(name_at(METHOD_GET, "/api/movies/searchin/"), "movie");
	cr_assert_str_eq(
	    name_at(METHOD_GET, "/api/movies/searchings/"), "movie");
	/* and does not go back for the method's sake */
	cr_assert_str_eq(name_at(METHOD_PUT, "/api/movies/searching/"), "");
	cr_assert_str_eq(
	    name_at(METHOD_GET, "/api/movies/searching/ratings/"), "rating");
}

Test(route, knows_what_is_not_there)
{
	static const char *const paths[] = { "", "/", "/api", "/api/", "api",
		"//api/movies/", "/api//movies/", "/api/movies//",
		"/api/movies//ratings/", "/api/movies/heat/ratings//",
		"/api/movies/heat/ratings/x", "/API/movies/", "/api/nothing/",
		"/healthz/x", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
		"/api/../api/movies/", "/api/{movie}/" };
	struct route_match match;
	size_t i;

	for (i = 0; i < array_len(paths); i++) {
		route_find(NULL, METHOD_GET, paths[i], &match);
		cr_assert_null(match.route, "%s", paths[i]);
		cr_assert_eq(match.allowed, 0, "%s", paths[i]);
	}
}

Test(route, captures)
{
	struct route_match match;

	route_find(
	    NULL, METHOD_GET, "/api/lists/a b/{x}/movies/caf\xc3\xa9", &match);
	cr_assert_str_eq(match.param[0], "a b");
	cr_assert_str_eq(match.param[1], "{x}");
	cr_assert_str_eq(match.param[2], "caf\xc3\xa9");
	cr_assert_null(match.param[3]);
}

/* A %2F of the client is part of a name. */
Test(route, captures_slashes)
{
	struct req *r =
	    world_request("GET", "/api/movies/a%2Fb%2F%2f/ratings/");
	struct route_match match;

	route_find(r->mem, r->method, r->path, &match);
	cr_assert_str_eq(match.route->name, "rating");
	cr_assert_str_eq(match.param[0], "a/b//");
}

Test(route, says_what_is_allowed)
{
	struct route_match match;

	route_find(NULL, METHOD_DELETE, "/api/movies/heat/ratings/", &match);
	cr_assert_null(match.route);
	cr_assert_str_eq(
	    route_allow(NULL, match.allowed), "GET, HEAD, PUT, OPTIONS");
	route_find(NULL, METHOD_GET, "/api/users/friends/ana/", &match);
	cr_assert_null(match.route);
	cr_assert_str_eq(route_allow(NULL, match.allowed), "PUT, OPTIONS");
	route_find(NULL, METHOD_OTHER, "/api/movies/", &match);
	cr_assert_null(match.route);
	cr_assert_str_eq(
	    route_allow(NULL, match.allowed), "GET, HEAD, OPTIONS");
	route_find(NULL, METHOD_OPTIONS, "/api/movies/", &match);
	cr_assert_null(match.route);
	cr_assert(match.allowed);
}

Test(route, answers_head_as_get)
{
	cr_assert_str_eq(name_at(METHOD_HEAD, "/api/movies/"), "movies");
	cr_assert_str_eq(name_at(METHOD_HEAD, "/api/users/friends/ana"), "");
}

Test(route, reserves_literals)
{
	/* a literal beside {movie}, and one beside a {username} to come */
	cr_assert(route_is_reserved("searching"));
	cr_assert(route_is_reserved("friends"));
	/* this table has no such row, nor has the program yet */
	cr_assert(route_is_reserved("suggested-users"));
	/* beside the {username} of lists */
	cr_assert(route_is_reserved("public"));
	cr_assert_not(route_is_reserved("movies"));
	cr_assert_not(route_is_reserved("ratings"));
	cr_assert_not(route_is_reserved("search"));
	cr_assert_not(route_is_reserved(""));
	cr_assert_not(route_is_reserved("{movie}"));
	cr_assert_not(route_is_reserved("movie"));
}
