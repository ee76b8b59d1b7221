/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests for the tests of http/. The route table here takes the place of
 * the real one: the archive's is not linked when both its names are known.
 */
#include "base/base.h"

#include <strings.h>

#include "base/mem.h"
#include "http/reply.h"
#include "http_world.h"

struct conf world_conf = {
	.public_origin = "https://movies.test",
	.site_origin = "https://site.test",
	.cors_origins = "http://localhost:5173, https://10.0.0.1:5173",
	.body_limit = 1024,
	.upload_limit = 4096,
};

static enum err
nothing(struct req *r)
{
	return reply_flag(r, 200, "status");
}

#define GET(PATTERN, NAME)                                              \
	{                                                               \
		.method = METHOD_GET, .pattern = PATTERN, .name = NAME, \
		.handle = nothing, .input = no_input                    \
	}
#define PUT(PATTERN, NAME)                                              \
	{                                                               \
		.method = METHOD_PUT, .pattern = PATTERN, .name = NAME, \
		.handle = nothing, .input = no_input                    \
	}

const struct route routes[] = {
	GET("/api/lists/{username}/{list}/movies/{movie}/", "deep"),
	GET("/api/lists/public/", "lists_public"),
	GET("/api/movies/", "movies"),
	GET("/api/movies/searching/", "search"),
	GET("/api/movies/{movie}/", "movie"),
	GET("/api/movies/{movie}/ratings/", "rating"),
	PUT("/api/movies/{movie}/ratings/", "rating_put"),
	GET("/api/reviews/{review}/comments/{comment}/", "comment"),
	GET("/api/users/friends/", "friends"),
	PUT("/api/users/friends/{username}/", "friend_put"),
	GET("/healthz", "health"),
};
const int n_routes = array_len(routes);

struct req *
world_request(const char *method, const char *uri)
{
	struct req *r = request_new(NULL);
	const char *query = strchr(uri, '?');
	char *const envp[] = {
		mem_printf(r->mem, "REQUEST_METHOD=%s", method),
		mem_printf(r->mem, "REQUEST_URI=%s", uri),
		mem_printf(r->mem, "QUERY_STRING=%s", query ? query + 1 : ""),
		mem_text(r->mem, "REMOTE_ADDR=192.0.2.1"),
		mem_text(r->mem, "REQUEST_ID=abc-1"),
		NULL,
	};

	request_read(r, envp);
	r->conf = &world_conf;
	return r;
}

struct req *
world_post(const char *type, const char *body)
{
	struct req *r = world_request("POST", "/api/movies/");

	r->content_type = type;
	r->body = body;
	r->body_len = strlen(body);
	return r;
}

void
world_route(struct req *r, enum style style, const struct field *input)
{
	struct route *route = mem_new(r->mem, struct route);

	*route = (struct route){
		.method = r->method,
		.pattern = "/api/movies/",
		.name = "test",
		.guard = PUBLIC,
		.style = style,
		.input = input,
	};
	r->route = route;
}

static void
write_to(void *arg, const char *p, size_t n)
{
	buf_add(arg, p, n);
}

const char *
world_answer(struct req *r)
{
	struct buf out;

	buf_init(&out, r->mem, 1024);
	reply_write(r, write_to, &out);
	return out.data;
}

const char *
world_body(struct req *r)
{
	const char *answer = world_answer(r);
	const char *end = strstr(answer, "\r\n\r\n");

	assert(end);
	return end + 4;
}

const char *
world_header(struct req *r, const char *name)
{
	const char *s = world_answer(r);
	size_t n = strlen(name), len;

	for (; (len = strcspn(s, "\r")) > 0; s += len + 2) {
		if (strncasecmp(s, name, n) == 0 && s[n] == ':')
			return mem_textn(r->mem, s + n + 2, len - n - 2);
	}
	return NULL;
}
