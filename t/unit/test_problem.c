/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Error bodies and the headers that go with them.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http_world.h"

static struct req *
request(enum style style)
{
	struct req *r = world_request("POST", "/api/movies/");

	world_route(r, style, no_input);
	return r;
}

static const char *
body_of(struct req *r, enum err code)
{
	problem_reply(r, code);
	return world_body(r);
}

Test(problem, of_the_whole_request)
{
	static const char *const bodies[] = {
		[STYLE_ERROR] = "{\"error\":\"Rating not found\"}",
		[STYLE_FORM] = "{\"error\":\"Rating not found\"}",
		[STYLE_FRAMEWORK] = "{\"detail\":\"Rating not found\","
				    "\"error\":\"Rating not found\"}",
		[STYLE_STATUS] = "{\"status\":\"Rating not found\","
				 "\"error\":\"Rating not found\"}",
	};
	struct req *r;
	int style;

	for (style = STYLE_ERROR; style <= STYLE_STATUS; style++) {
		r = request((enum style)style);
		cr_assert_eq(fail(r, ERR_NOT_FOUND, NULL, MSG_RATING_NOT_FOUND),
		    ERR_NOT_FOUND);
		cr_assert_str_eq(body_of(r, ERR_NOT_FOUND), bodies[style]);
		cr_assert_eq(r->answer.status, 404);
	}
}

Test(problem, of_fields)
{
	static const char *const args[3] = { "\"quoted\"" };
	struct req *r = request(STYLE_FORM);

	(void)fail(r, ERR_INVALID, "password", MSG_FIELD_NULL);
	(void)fail(r, ERR_INVALID, "email", MSG_FIELD_BLANK);
	add_error(r, ERR_INVALID, "password", MSG_FIELD_CHOICE, args);
	cr_assert_str_eq(body_of(r, ERR_INVALID),
	    "{\"password\":[\"This field cannot be null.\","
	    "\"Value '\\\"quoted\\\"' is not a valid choice.\"],"
	    "\"email\":[\"This field cannot be blank.\"],"
	    "\"error\":\"This field cannot be null.\"}");
	(void)fail(r, ERR_INVALID, NULL, MSG_FIELD_TEXT);
	cr_assert_str_eq(body_of(r, ERR_INVALID),
	    "{\"password\":[\"This field cannot be null.\","
	    "\"Value '\\\"quoted\\\"' is not a valid choice.\"],"
	    "\"email\":[\"This field cannot be blank.\"],"
	    "\"error\":\"This value must be text.\"}");
	cr_assert_str_eq(world_header(r, "Content-Type"), "application/json");
}

/* Errors recorded before the caller's language is known. */
Test(problem, is_worded_by_the_reply)
{
	struct req *r = request(STYLE_ERROR);

	(void)fail(r, ERR_NOT_FOUND, NULL, MSG_RATING_NOT_FOUND);
	r->lang = LANG_DE;
	cr_assert_str_eq(body_of(r, ERR_NOT_FOUND),
	    "{\"error\":\"Bewertung nicht gefunden\"}");
}

Test(problem, takes_more_errors_than_it_reports)
{
	struct req *r = request(STYLE_ERROR);
	int i;

	for (i = 0; i < 100; i++) {
		(void)fail(r, ERR_INVALID, mem_printf(r->mem, "f%d", i),
		    MSG_FIELD_NULL);
		add_error_label(r, ERR_INVALID, NULL, MSG_FIELD_NULL, "x");
	}
	cr_assert_eq(r->problem->n, 32);
	body_of(r, ERR_INVALID);
}

Test(problem, of_a_path)
{
	struct req *r = request(STYLE_ERROR);

	cr_assert_eq(fail_path(r, "Movie", "a/b\""), ERR_NOT_FOUND);
	cr_assert_str_eq(body_of(r, ERR_NOT_FOUND),
	    "{\"error\":\"Not Found\",\"message\":\"The requested resource was "
	    "not found.\",\"model\":\"Movie\",\"lookup_value\":\"a/b\\\"\"}");
	r = world_request("GET", "/nothing");
	cr_assert_str_eq(body_of(r, fail_path(r, NULL, NULL)),
	    "{\"error\":\"Not Found\",\"message\":\"The requested resource was "
	    "not found.\"}");
}

Test(problem, of_tokens)
{
	struct req *r = request(STYLE_ERROR);
	struct route route = *r->route;
	enum err e = fail_token(
	    r, MSG_TOKEN_NOT_VALID, "token_not_valid", "Token is expired");

	route.guard = LOGGED_IN;
	r->route = &route;

	cr_assert_str_eq(body_of(r, e),
	    "{\"detail\":\"Given token not valid for any token type\","
	    "\"code\":\"token_not_valid\",\"messages\":[{\"token_class\":"
	    "\"AccessToken\",\"token_type\":\"access\",\"message\":"
	    "\"Token is expired\"}],"
	    "\"error\":\"Given token not valid for any token type\"}");
	cr_assert_str_eq(world_header(r, "WWW-Authenticate"),
	    "Bearer realm=\"api\", error=\"invalid_token\"");
	r = request(STYLE_ERROR);
	e = fail_token(r, MSG_USER_NOT_FOUND, "user_not_found", NULL);
	cr_assert_str_eq(body_of(r, e),
	    "{\"detail\":\"User not found\",\"code\":\"user_not_found\","
	    "\"error\":\"User not found\"}");
}

Test(problem, names_no_error_without_a_token)
{
	struct req *r = request(STYLE_ERROR);

	cr_assert_str_eq(
	    body_of(r, fail(r, ERR_UNAUTHORIZED, NULL, MSG_AUTH_NEEDED)),
	    "{\"error\":\"You need to be authenticated\"}");
	cr_assert_str_eq(
	    world_header(r, "WWW-Authenticate"), "Bearer realm=\"api\"");
	r = request(STYLE_FRAMEWORK);
	cr_assert_str_eq(
	    body_of(r, fail(r, ERR_UNAUTHORIZED, NULL, MSG_LOGIN_REFUSED)),
	    "{\"detail\":\"No active account found with the given "
	    "credentials\",\"error\":\"No active account found with the given "
	    "credentials\"}");
	cr_assert_not_null(world_header(r, "WWW-Authenticate"));
}

Test(problem, says_when_to_come_back)
{
	struct req *r = request(STYLE_ERROR);

	cr_assert_str_eq(
	    body_of(r, fail_retry(r, ERR_TOO_OFTEN, MSG_THROTTLED, 37)),
	    "{\"detail\":\"Request was throttled. Expected available in 37 "
	    "seconds.\",\"error\":\"Request was throttled. Expected available "
	    "in 37 seconds.\"}");
	cr_assert_str_eq(world_header(r, "Retry-After"), "37");
	r = request(STYLE_ERROR);
	body_of(r, ERR_UNAVAILABLE);
	cr_assert_eq(r->answer.status, 503);
	cr_assert_str_eq(world_header(r, "Retry-After"), "5");
}

Test(problem, of_a_method)
{
	struct req *r = world_request("TRACE", "/api/movies/");
	const char *const args[3] = { r->method_text };

	reply_header(r, "Allow", "GET, HEAD, OPTIONS");
	cr_assert_str_eq(body_of(r, fail_with(r, ERR_METHOD, NULL,
					MSG_METHOD_NOT_ALLOWED, args)),
	    "{\"detail\":\"Method \\\"TRACE\\\" not allowed.\","
	    "\"error\":\"Method \\\"TRACE\\\" not allowed.\"}");
	cr_assert_str_eq(world_header(r, "Allow"), "GET, HEAD, OPTIONS");
}

/* A handler may return a bare code. */
Test(problem, has_a_text_for_every_code)
{
	struct req *r;
	int code;

	for (code = 1; code < ERR__MAX; code++) {
		r = request(STYLE_ERROR);
		cr_assert_not_null(
		    strstr(body_of(r, (enum err)code), "\"error\":\""));
		cr_assert_eq(r->answer.status, err_status((enum err)code));
		cr_assert_str_neq(reply_phrase(r->answer.status), "Status");
	}
	r = request(STYLE_ERROR);
	cr_assert_not_null(strstr(body_of(r, ERR_INTERNAL), "abc-1"));
}

Test(problem, speaks_the_callers_language)
{
	struct req *r = request(STYLE_ERROR);

	r->lang = LANG_ES;
	cr_assert_not_null(strstr(body_of(r, ERR_NOT_FOUND), "\"error\":\""));
	cr_assert_null(strstr(world_body(r), "The requested resource"));
	cr_assert_str_eq(world_header(r, "Content-Language"), "es");
}

Test(problem, is_a_problem_document_on_request)
{
	struct req *r = request(STYLE_STATUS);

	r->accept = "text/html, application/problem+json";
	(void)fail(r, ERR_INVALID, "name", MSG_FIELD_TEXT);
	cr_assert_str_eq(body_of(r, ERR_INVALID),
	    "{\"type\":\"invalid\",\"title\":\"Bad Request\",\"status\":400,"
	    "\"detail\":\"This value must be text.\","
	    "\"name\":[\"This value must be text.\"],"
	    "\"error\":\"This value must be text.\"}");
	cr_assert_str_eq(
	    world_header(r, "Content-Type"), "application/problem+json");
	r = request(STYLE_ERROR);
	r->accept = "application/problem+json;q=0.5";
	cr_assert_str_eq(body_of(r, fail_path(r, "User", "ana")),
	    "{\"type\":\"not_found\",\"title\":\"Not Found\",\"status\":404,"
	    "\"detail\":\"The requested resource was not found.\","
	    "\"error\":\"Not Found\","
	    "\"message\":\"The requested resource was not found.\","
	    "\"model\":\"User\",\"lookup_value\":\"ana\"}");
}

Test(problem, is_plain_json_otherwise)
{
	static const char *const accepts[] = { "", "*/*", "application/json",
		"application/*", "application/problem+json;q=0",
		"application/problem+json; q=0.000, */*",
		"application/problem+jsonx", "application/problem", ",,;" };
	struct req *r;
	size_t i;

	for (i = 0; i < array_len(accepts); i++) {
		r = request(STYLE_ERROR);
		r->accept = accepts[i];
		body_of(r, ERR_FORBIDDEN);
		cr_assert_str_eq(world_header(r, "Content-Type"),
		    "application/json", "%s", accepts[i]);
	}
}

/* Nothing of an answer that was begun stays. */
Test(problem, replaces_what_was_begun)
{
	struct req *r = request(STYLE_ERROR);
	struct json *j = reply_json(r, 200);

	json_object(j);
	json_key(j, "half");
	memcpy(r->answer.etag, "W/\"1\"", 6);
	cr_assert_str_eq(body_of(r, ERR_FORBIDDEN),
	    "{\"error\":\"You do not have permission to do this.\"}");
	cr_assert_null(world_header(r, "ETag"));
	cr_assert_str_eq(world_header(r, "Cache-Control"), "no-store");
}
