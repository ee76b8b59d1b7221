/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers: set by handlers and written to the client. The head is composed in
 * one buffer; the body is written without copying.
 */
#include "base/base.h"

#include <sodium.h>

#include "base/conf.h"
#include "base/mem.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_SIZE 4096
#define HEAD_SIZE 2048

#define DIGEST_SIZE crypto_shorthash_BYTES

static const char json_type[] = "application/json";

/* For every answer; the web server adds Strict-Transport-Security. */
static const char security[] = "X-Content-Type-Options: nosniff\r\n"
			       "X-Frame-Options: DENY\r\n"
			       "Referrer-Policy: same-origin\r\n"
			       "Cross-Origin-Opener-Policy: same-origin\r\n";

static const char cors_exposed[] =
    "Access-Control-Allow-Credentials: true\r\n"
    "Access-Control-Expose-Headers: "
    "Allow, Content-Language, ETag, Retry-After, WWW-Authenticate, "
    "X-Request-Id\r\n";

static const char cors_preflight[] =
    "Access-Control-Allow-Methods: DELETE, GET, OPTIONS, PATCH, POST, PUT\r\n"
    "Access-Control-Allow-Headers: accept, accept-language, authorization, "
    "cache-control, content-language, content-type, if-match, "
    "if-modified-since, if-none-match, if-range, if-unmodified-since, pragma, "
    "range, user-agent, x-csrftoken, x-request-id, x-requested-with\r\n"
    "Access-Control-Max-Age: 86400\r\n";

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
};

const char *
reply_phrase(int status)
{
	size_t i;

	for (i = 0; i < array_len(phrases); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Status";
}

struct json *
reply_json(struct req *r, int status)
{
	struct answer *a = &r->answer;
	struct json *j = mem_new(r->mem, struct json);

	a->status = status;
	a->type = json_type;
	buf_init(&a->body, r->mem, BODY_SIZE);
	json_init(j, &a->body);
	return j;
}

enum err
reply_done(struct req *r, struct json *j)
{
	assert(j->out == &r->answer.body && j->depth == 0 && j->comma);
	return ERR_OK;
}

enum err
reply_flag(struct req *r, int status, const char *key)
{
	struct json *j = reply_json(r, status);

	json_object(j);
	json_key(j, key);
	json_bool(j, true);
	json_object_end(j);
	return reply_done(r, j);
}

enum err
reply_text(struct req *r, int status, const char *key, const char *text)
{
	struct json *j = reply_json(r, status);

	json_object(j);
	json_key(j, key);
	json_text(j, text);
	json_object_end(j);
	return reply_done(r, j);
}

/* A body in other memory. It has no context, so nothing can be appended. */
static void
borrow_body(struct answer *a, const char *p, size_t n)
{
	a->body.data = (char *)p;
	a->body.len = a->body.size = n;
	a->body.mem = NULL;
}

enum err
reply_bytes(struct req *r, const char *type, const void *p, size_t n)
{
	r->answer.status = 200;
	r->answer.type = type;
	borrow_body(&r->answer, p, n);
	return ERR_OK;
}

void
reply_ready(struct req *r, int status, const char *headers, size_t headers_len,
    const char *body, size_t body_len)
{
	r->answer.status = status;
	r->answer.ready_headers = headers;
	r->answer.ready_headers_len = headers_len;
	borrow_body(&r->answer, body, body_len);
}

/* "Name: value" and CRLF. */
static void
put_header(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_add(out, ": ", 2);
	buf_puts(out, value);
	buf_add(out, "\r\n", 2);
}

void
reply_header(struct req *r, const char *name, const char *value)
{
	assert(!strpbrk(name, "\r\n") && !strpbrk(value, "\r\n"));
	if (!r->answer.headers.mem)
		buf_init(&r->answer.headers, r->mem, 256);
	put_header(&r->answer.headers, name, value);
}

/* Whether the origin of the client is in the settings. */
static bool
origin_is_allowed(const struct req *r)
{
	const char *list = r->conf->cors_origins;
	size_t n = strlen(r->origin), len;

	if (n == 0)
		return false;
	if (strcmp(r->origin, r->conf->site_origin) == 0 ||
	    strcmp(r->origin, r->conf->public_origin) == 0)
		return true;
	for (; *list; list += len) {
		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == n && memcmp(list, r->origin, n) == 0)
			return true;
	}
	return false;
}

static void
put_cors(const struct req *r, struct buf *out)
{
	if (!origin_is_allowed(r))
		return;
	put_header(out, "Access-Control-Allow-Origin", r->origin);
	buf_add(out, cors_exposed, sizeof cors_exposed - 1);
	if (r->method == METHOD_OPTIONS && r->cors_method[0])
		buf_add(out, cors_preflight, sizeof cors_preflight - 1);
}

/* The request headers that the answer depends on. */
static const char *
vary_of(const struct req *r)
{
	if (r->account)
		return "Accept, Authorization, Origin";
	if (r->route && r->route->guard != PUBLIC)
		return "Accept, Accept-Language, Authorization, Origin";
	return "Accept, Accept-Language, Origin";
}

static const char *
cache_control_of(const struct req *r)
{
	const struct answer *a = &r->answer;

	if (a->cache_control)
		return a->cache_control;
	if ((a->status == 200 || a->status == 304) && a->etag[0])
		return r->account ? "private, no-cache" : "no-cache";
	return "no-store";
}

/* Whether the answer is in the caller's language. */
static bool
has_language(const struct answer *a)
{
	return a->body.mem || a->ready_headers;
}

static void
put_content(const struct req *r, struct buf *out)
{
	const struct answer *a = &r->answer;

	if (a->status == 204 || a->status == 304)
		return;
	if (a->type)
		put_header(out, "Content-Type", a->type);
	buf_puts(out, "Content-Length: ");
	buf_int(out, (int64_t)a->body.len);
	buf_add(out, "\r\n", 2);
	if (has_language(a))
		put_header(out, "Content-Language", lang_code(r->lang));
}

static void
put_head(const struct req *r, struct buf *out)
{
	const struct answer *a = &r->answer;

	buf_puts(out, "Status: ");
	buf_int(out, a->status);
	buf_putc(out, ' ');
	buf_puts(out, reply_phrase(a->status));
	buf_add(out, "\r\n", 2);
	put_content(r, out);
	if (a->etag[0])
		put_header(out, "ETag", a->etag);
	put_header(out, "Cache-Control", cache_control_of(r));
	put_header(out, "Vary", vary_of(r));
	put_header(out, "X-Request-Id", r->id);
	buf_add(out, security, sizeof security - 1);
	put_cors(r, out);
	buf_add(out, a->ready_headers, a->ready_headers_len);
	buf_add(out, a->headers.data, a->headers.len);
	buf_add(out, "\r\n", 2);
}

void
reply_write(struct req *r, reply_writer *write, void *arg)
{
	const struct answer *a = &r->answer;
	struct buf head;

	assert(a->status != 0);
	buf_init(&head, r->mem, HEAD_SIZE);
	put_head(r, &head);
	write(arg, head.data, head.len);
	if (r->method != METHOD_HEAD && a->status != 204 && a->status != 304 &&
	    a->body.len > 0)
		write(arg, a->body.data, a->body.len);
}

void
reply_etag(struct req *r)
{
	/* the key need not be secret: the digest only distinguishes bodies */
	static const unsigned char key[crypto_shorthash_KEYBYTES];
	unsigned char digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	struct answer *a = &r->answer;

	_Static_assert(
	    sizeof a->etag > 4 + 2 * DIGEST_SIZE, "etag is too small");
	if (a->etag[0])
		return;
	crypto_shorthash(
	    digest, (const unsigned char *)a->body.data, a->body.len, key);
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	snprintf(a->etag, sizeof a->etag, "W/\"%s\"", hex);
}

/* The part of an entity tag that is compared, and its length. */
static const char *
opaque_tag(const char *tag, size_t *len)
{
	const char *end;

	if (tag[0] == 'W' && tag[1] == '/')
		tag += 2;
	if (tag[0] != '"')
		return NULL;
	end = strchr(tag + 1, '"');
	if (!end)
		return NULL;
	*len = (size_t)(end - tag) + 1;
	return tag;
}

bool
reply_matches(const struct req *r)
{
	const char *s = r->if_none_match, *ours, *tag;
	size_t ours_len, len;

	ours = opaque_tag(r->answer.etag, &ours_len);
	if (!ours)
		return false;
	for (;;) {
		s += strspn(s, ", \t");
		if (s[0] == '*')
			return true;
		tag = opaque_tag(s, &len);
		if (!tag)
			return false;
		if (len == ours_len && memcmp(tag, ours, len) == 0)
			return true;
		s = tag + len;
	}
}
