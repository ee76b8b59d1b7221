/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers as they go out.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "http/reply.h"
#include "http_world.h"

static struct req *
request(const char *method)
{
	struct req *r = world_request(method, "/api/movies/");

	world_route(r, STYLE_ERROR, no_input);
	return r;
}

static struct req *
answered(const char *method)
{
	struct req *r = request(method);
	enum err e = reply_text(r, 200, "status", "caf\xc3\xa9");

	cr_assert_eq(e, ERR_OK);
	return r;
}

Test(reply, is_whole)
{
	struct req *r = answered("GET");

	reply_header(r, "X-More", "1");
	reply_header(r, "X-More", "2");
	reply_etag(r);
	cr_assert_str_eq(
	    world_answer(r), mem_printf(r->mem,
				 "Status: 200 OK\r\n"
				 "Content-Type: application/json\r\n"
				 "Content-Length: 18\r\n"
				 "Content-Language: en\r\n"
				 "ETag: %s\r\n"
				 "Cache-Control: no-cache\r\n"
				 "Vary: Accept, Accept-Language, Origin\r\n"
				 "X-Request-Id: abc-1\r\n"
				 "X-Content-Type-Options: nosniff\r\n"
				 "X-Frame-Options: DENY\r\n"
				 "Referrer-Policy: same-origin\r\n"
				 "Cross-Origin-Opener-Policy: same-origin\r\n"
				 "X-More: 1\r\n"
				 "X-More: 2\r\n"
				 "\r\n"
				 "{\"status\":\"caf\xc3\xa9\"}",
				 r->answer.etag));
}

Test(reply, has_no_body_where_none_belongs)
{
	struct req *r = answered("HEAD");

	cr_assert_str_eq(world_body(r), "");
	cr_assert_str_eq(world_header(r, "Content-Length"), "18");
	r = answered("GET");
	r->answer.status = 304;
	cr_assert_str_eq(world_body(r), "");
	cr_assert_null(world_header(r, "Content-Length"));
	cr_assert_null(world_header(r, "Content-Type"));
	r = request("OPTIONS");
	r->answer.status = 204;
	cr_assert_str_eq(world_body(r), "");
	cr_assert_str_eq(world_header(r, "Status"), "204 No Content");
}

Test(reply, of_flags_and_json)
{
	struct req *r = request("POST");
	struct json *j;
	enum err e = reply_flag(r, 201, "success");

	cr_assert_eq(e, ERR_OK);
	cr_assert_str_eq(world_body(r), "{\"success\":true}");
	cr_assert_str_eq(world_header(r, "Status"), "201 Created");
	cr_assert_str_eq(world_header(r, "Cache-Control"), "no-store");
	j = reply_json(r, 200);
	json_list(j);
	json_int(j, 1);
	json_list_end(j);
	e = reply_done(r, j);
	cr_assert_eq(e, ERR_OK);
	cr_assert_str_eq(world_body(r), "[1]");
}

Test(reply, wants_one_whole_value, .signal = 6)
{
	struct req *r = request("POST");
	struct json *j = reply_json(r, 200);
	enum err e;

	json_list(j);
	e = reply_done(r, j);
	cr_assert_eq(e, ERR_OK);
}

Test(reply, of_bytes)
{
	struct req *r = request("GET");
	enum err e = reply_bytes(r, "text/html", "a\0b", 3);

	cr_assert_eq(e, ERR_OK);
	cr_assert_str_eq(world_header(r, "Content-Type"), "text/html");
	cr_assert_str_eq(world_header(r, "Content-Length"), "3");
	cr_assert_null(world_header(r, "Content-Language"));
	reply_etag(r);
	cr_assert(r->answer.etag[0]);
}

Test(reply, that_was_made_before)
{
	struct req *r = request("GET");

	r->answer.type = "application/json";
	memcpy(r->answer.etag, "W/\"1\"", 6);
	reply_ready(r, 200, "X-Kept: 1\r\nrest", 11, "{}rest", 2);
	reply_header(r, "X-New", "1");
	cr_assert_str_eq(world_body(r), "{}");
	cr_assert_str_eq(world_header(r, "X-Kept"), "1");
	cr_assert_str_eq(world_header(r, "X-New"), "1");
	cr_assert_str_eq(world_header(r, "ETag"), "W/\"1\"");
	cr_assert_str_eq(world_header(r, "Content-Language"), "en");
}

Test(reply, lets_no_header_be_split, .signal = 6)
{
	reply_header(request("GET"), "X-A", "1\r\nX-B: 2");
}

Test(reply, knows_who_may_keep_it)
{
	struct req *r = answered("GET");
	struct account *account = (struct account *)r; /* any pointer */

	reply_etag(r);
	r->account = account;
	cr_assert_str_eq(world_header(r, "Cache-Control"), "private, no-cache");
	cr_assert_str_eq(
	    world_header(r, "Vary"), "Accept, Authorization, Origin");
	r->answer.status = 304;
	cr_assert_str_eq(world_header(r, "Cache-Control"), "private, no-cache");
	r->answer.status = 403;
	cr_assert_str_eq(world_header(r, "Cache-Control"), "no-store");
	r->answer.cache_control = "public, max-age=60";
	cr_assert_str_eq(
	    world_header(r, "Cache-Control"), "public, max-age=60");
}

Test(reply, makes_etags)
{
	struct req *a = answered("GET"), *b = answered("GET");
	char first[48];

	reply_etag(a);
	reply_etag(b);
	cr_assert_str_eq(a->answer.etag, b->answer.etag);
	cr_assert_eq(strlen(a->answer.etag), 20);
	memcpy(first, a->answer.etag, sizeof first);
	reply_etag(a);
	cr_assert_str_eq(a->answer.etag, first);
	b->answer.etag[0] = '\0';
	buf_putc(&b->answer.body, ' ');
	reply_etag(b);
	cr_assert_str_neq(b->answer.etag, first);
}

Test(reply, compares_etags_weakly)
{
	static const struct {
		const char *given;
		bool matches;
	} rows[] = {
		{ "", false },
		{ "*", true },
		{ "\"ab\"", true },
		{ "W/\"ab\"", true },
		{ "\"x\", W/\"ab\"", true },
		{ "\"x\",,\"ab\" ", true },
		{ "\"x,\"ab\"", false },
		{ "ab", false },
		{ "\"abc\"", false },
		{ "\"a\"", false },
		{ "W/\"ab", false },
		{ "w/\"ab\"", false },
		{ "\"x\" junk \"ab\"", false },
	};
	struct req *r = answered("GET");
	size_t i;

	for (i = 0; i < array_len(rows); i++) {
		r->if_none_match = rows[i].given;
		memcpy(r->answer.etag, "W/\"ab\"", 7);
		cr_assert_eq(
		    reply_matches(r), rows[i].matches, "%s", rows[i].given);
		r->answer.etag[0] = '\0';
		cr_assert_not(reply_matches(r), "%s", rows[i].given);
	}
}

Test(reply, allows_our_origins)
{
	static const struct {
		const char *origin;
		bool ours;
	} rows[] = {
		{ "https://movies.test", true },
		{ "https://site.test", true },
		{ "http://localhost:5173", true },
		{ "https://10.0.0.1:5173", true },
		{ "http://localhost", false },
		{ "http://localhost:51730", false },
		{ "https://evil.test", false },
		{ "https://site.test.evil.test", false },
		{ "null", false },
		{ "*", false },
		{ "", false },
	};
	struct req *r;
	const char *allowed;
	size_t i;

	for (i = 0; i < array_len(rows); i++) {
		r = answered("GET");
		r->origin = rows[i].origin;
		allowed = world_header(r, "Access-Control-Allow-Origin");
		if (!rows[i].ours) {
			cr_assert_null(allowed, "%s", r->origin);
			continue;
		}
		cr_assert_str_eq(allowed, r->origin);
		cr_assert_str_eq(
		    world_header(r, "Access-Control-Allow-Credentials"),
		    "true");
		cr_assert_not_null(
		    world_header(r, "Access-Control-Expose-Headers"));
		cr_assert_null(world_header(r, "Access-Control-Max-Age"));
	}
}

Test(reply, answers_a_preflight)
{
	struct req *r = request("OPTIONS");

	r->origin = "https://site.test";
	r->answer.status = 204;
	cr_assert_null(world_header(r, "Access-Control-Allow-Methods"));
	r->cors_method = "PUT";
	cr_assert_str_eq(world_header(r, "Access-Control-Allow-Methods"),
	    "DELETE, GET, OPTIONS, PATCH, POST, PUT");
	cr_assert_str_eq(world_header(r, "Access-Control-Allow-Headers"),
	    "accept, accept-language, authorization, cache-control, "
	    "content-language, content-type, if-match, if-modified-since, "
	    "if-none-match, if-range, if-unmodified-since, pragma, range, "
	    "user-agent, x-csrftoken, x-request-id, x-requested-with");
	cr_assert_str_eq(world_header(r, "Access-Control-Max-Age"), "86400");
	r->origin = "https://evil.test";
	cr_assert_null(world_header(r, "Access-Control-Allow-Methods"));
}
