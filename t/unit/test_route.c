/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search in the route table (the small one of http_world.c).
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "base/mem.h"
#include "http/problem.h"
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

/* A request that has found its row. */
static struct req *
request_to(const char *uri)
{
	struct req *r = world_request("GET", uri);
	struct route_match match;

	cr_assert_not(r->bad_path, "%s", uri);
	route_find(r->mem, r->method, r->path, &match);
	cr_assert_not_null(match.route, "%s", uri);
	r->route = match.route;
	memcpy(r->path_param, match.param, sizeof match.param);
	return r;
}

Test(route, gives_parameters_by_name)
{
	struct req *r = request_to("/api/lists/ana/best/movies/heat/");

	cr_assert_str_eq(path_of(r, "username"), "ana");
	cr_assert_str_eq(path_of(r, "list"), "best");
	cr_assert_str_eq(path_of(r, "movie"), "heat");
	cr_assert_str_eq(path_key(r, "movie"), "heat");
	cr_assert_eq(route_check_numbers(r), ERR_OK);
}

Test(route, gives_declared_parameters_only, .signal = SIGABRT)
{
	path_of(request_to("/api/movies/heat/"), "username");
}

Test(route, takes_no_prefix_of_a_name, .signal = SIGABRT)
{
	path_of(request_to("/api/movies/heat/"), "mov");
}

#define MAX "9223372036854775807"

Test(route, reads_numbers)
{
	static const struct {
		const char *segment, *key;
		int64_t number;
	} good[] = {
		{ "7", "7", 7 },
		{ "0", "0", 0 },
		{ "007", "7", 7 },
		{ "000000000000000000000000000007", "7", 7 },
		{ "%37", "7", 7 },
		{ MAX, MAX, INT64_MAX },
		{ "0" MAX, MAX, INT64_MAX },
	};
	struct req *r;
	size_t i;

	for (i = 0; i < array_len(good); i++) {
		r = world_request("GET", "/");
		r = request_to(mem_printf(
		    r->mem, "/api/reviews/%s/comments/9/", good[i].segment));
		cr_assert_eq(
		    route_check_numbers(r), ERR_OK, "%s", good[i].segment);
		cr_expect_eq(path_number(r, "review"), good[i].number);
		cr_expect_eq(path_number(r, "comment"), 9);
		cr_expect_str_eq(path_key(r, "review"), good[i].key);
	}
}

/* Letters, signs, blanks, what is too large, digits that are not ASCII. */
Test(route, answers_404_to_what_is_no_number)
{
	static const char *const bad[] = { "x", "7x", "x7", "-1", "-0", "+7",
		"%207", "7%20", "7%0A", "7.0", "0x7", "1e3", "%2F7",
		"9223372036854775808", "18446744073709551617",
		"99999999999999999999", "\xd9\xa7", "\xef\xbc\x97", "\xc2\xb2",
		"{review}", "null" };
	const char *body;
	struct req *r;
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		r = world_request("GET", "/");
		r = request_to(
		    mem_printf(r->mem, "/api/reviews/%s/comments/9/", bad[i]));
		cr_assert_eq(
		    route_check_numbers(r), ERR_NOT_FOUND, "%s", bad[i]);
		cr_expect_str_eq(r->problem->model, "Review");
		cr_expect_str_eq(r->problem->lookup, r->path_param[0]);
		cr_expect_str_eq(path_key(r, "review"), r->path_param[0]);
	}
	r = request_to("/api/reviews/7/comments/-1/");
	cr_assert_eq(route_check_numbers(r), ERR_NOT_FOUND);
	problem_reply(r, ERR_NOT_FOUND);
	body = world_body(r);
	cr_assert_str_eq(body,
	    "{\"error\":\"Not Found\","
	    "\"message\":\"The requested resource was not found.\","
	    "\"model\":\"Comment\",\"lookup_value\":\"-1\"}");
}

Test(route, asks_for_numbers_that_were_checked, .signal = SIGABRT)
{
	path_number(request_to("/api/reviews/x/comments/9/"), "review");
}

Test(route, asks_for_numbers_of_numbers, .signal = SIGABRT)
{
	path_number(request_to("/api/movies/7/"), "movie");
}

static const char *
body_without(const char *name)
{
	struct req *r = request_to("/api/lists/ana/best/movies/heat/");

	cr_assert_eq(fail_param(r, name), ERR_NOT_FOUND);
	problem_reply(r, ERR_NOT_FOUND);
	return world_body(r);
}

Test(route, words_the_404_of_a_parameter)
{
	cr_assert_str_eq(body_without("username"),
	    "{\"error\":\"Not Found\","
	    "\"message\":\"The requested resource was not found.\","
	    "\"model\":\"User\",\"lookup_value\":\"ana\"}");
	cr_assert_str_eq(body_without("list"),
	    "{\"error\":\"This movies list doesn't exist or you're not "
	    "allowed to see it\"}");
	cr_assert_str_eq(body_without("movie"),
	    "{\"error\":\"Not Found\","
	    "\"message\":\"The requested resource was not found.\","
	    "\"model\":\"Movie\",\"lookup_value\":\"heat\"}");
}

Test(route, reserves_literals)
{
	/* beside {movie} */
	cr_assert(route_is_reserved("searching"));
	/* beside the {username} of lists */
	cr_assert(route_is_reserved("public"));
	cr_assert_not(route_is_reserved("movies"));
	cr_assert_not(route_is_reserved("ratings"));
	cr_assert_not(route_is_reserved("search"));
	cr_assert_not(route_is_reserved(""));
	cr_assert_not(route_is_reserved("{movie}"));
	cr_assert_not(route_is_reserved("movie"));
}

Test(route, all_reserved_words)
{
	size_t n;
	const char **words = route_reserved(NULL, &n);
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		cr_expect(route_is_reserved(words[i]), "%s", words[i]);
		found |= strcmp(words[i], "searching") == 0;
	}
	cr_expect(found);
}
