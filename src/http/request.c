/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request from the variables of the web server. Only the variables listed
 * here are read; HTTP_PROXY is not one of them.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "http/params.h"
#include "http/request.h"

/* Variables that are used unchanged. */
#define TEXT(NAME, MEMBER)                                           \
	{                                                            \
		NAME, sizeof(NAME) - 1, offsetof(struct req, MEMBER) \
	}
static const struct {
	const char *name;
	size_t len;
	size_t offset;
} texts[] = {
	TEXT("REQUEST_METHOD", method_text),
	TEXT("QUERY_STRING", query),
	TEXT("CONTENT_TYPE", content_type),
	TEXT("REMOTE_ADDR", address),
	TEXT("HTTP_ACCEPT", accept),
	TEXT("HTTP_ACCEPT_LANGUAGE", accept_language),
	TEXT("HTTP_AUTHORIZATION", authorization),
	TEXT("HTTP_IF_MATCH", if_match),
	TEXT("HTTP_IF_NONE_MATCH", if_none_match),
	TEXT("HTTP_ORIGIN", origin),
	TEXT("HTTP_USER_AGENT", user_agent),
	TEXT("HTTP_ACCESS_CONTROL_REQUEST_METHOD", cors_method),
};

/* Variables that are checked first. */
struct raw {
	const char *uri, *document_uri, *length, *id, *trace;
};

static const struct {
	const char *name;
	size_t len;
	size_t offset;
} raws[] = {
	{ "REQUEST_URI", 11, offsetof(struct raw, uri) },
	{ "DOCUMENT_URI", 12, offsetof(struct raw, document_uri) },
	{ "CONTENT_LENGTH", 14, offsetof(struct raw, length) },
	{ "REQUEST_ID", 10, offsetof(struct raw, id) },
	{ "HTTP_TRACEPARENT", 16, offsetof(struct raw, trace) },
};

static const char *const methods[METHOD_OTHER] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

const char *
method_name(enum method method)
{
	assert(method < METHOD_OTHER);
	return methods[method];
}

struct req *
request_new(TALLOC_CTX *parent)
{
	return request_new_in(mem_request(parent));
}

struct req *
request_new_in(TALLOC_CTX *mem)
{
	struct req *r = mem_new(mem, struct req);
	size_t i;

	r->mem = mem;
	r->started_us = clock_steady_us();
	for (i = 0; i < array_len(texts); i++)
		*(const char **)((char *)r + texts[i].offset) = "";
	r->path = r->body = "";
	r->method = METHOD_OTHER;
	r->content_length = -1;
	r->lang = LANG_EN;
	r->cache_word = "-";
	return r;
}

static enum method
method_of(const char *text)
{
	size_t i;

	for (i = 0; i < array_len(methods); i++) {
		if (strcmp(text, methods[i]) == 0)
			return (enum method)i;
	}
	return METHOD_OTHER;
}

/* A copy of the encoded path with PATH_SLASH in place of every %2F. */
static char *
mark_slashes(TALLOC_CTX *mem, const char *raw, size_t n)
{
	struct buf out;
	size_t i;

	buf_init(&out, mem, 3 * n);
	for (i = 0; i < n; i++) {
		if (raw[i] == '%' && n - i >= 3 && raw[i + 1] == '2' &&
		    (raw[i + 2] == 'F' || raw[i + 2] == 'f')) {
			buf_puts(&out, PATH_SLASH);
			i += 2;
			continue;
		}
		buf_putc(&out, raw[i]);
	}
	return params_decode(mem, out.data, out.len, false);
}

static void
read_path(struct req *r, const char *uri)
{
	size_t n = strcspn(uri, "?#");
	char *path = params_decode(r->mem, uri, n, false);

	if (!path || path[0] != '/' || strstr(path, PATH_SLASH)) {
		r->bad_path = true;
		r->path = mem_textn(r->mem, uri, n);
		return;
	}
	r->path = path;
	if (strstr(uri, "%2F") || strstr(uri, "%2f"))
		r->path = mark_slashes(r->mem, uri, n);
}

/* The id if it is safe in a header and in the log, else a new one. */
static void
read_id(struct req *r, const char *id)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = id ? strspn(id, good) : 0;

	if (n == 0 || n > REQUEST_ID_MAX || id[n] != '\0') {
		random_hex(r->id, REQUEST_ID_MAX / 4);
		return;
	}
	memcpy(r->id, id, n + 1);
}

/* Reads a "NAME=value"; unknown names are ignored. */
static void
read_variable(struct req *r, struct raw *raw, const char *line)
{
	const char *equals = strchr(line, '=');
	size_t len, i;

	if (!equals)
		return;
	len = (size_t)(equals - line);
	for (i = 0; i < array_len(texts); i++) {
		if (texts[i].len == len &&
		    memcmp(texts[i].name, line, len) == 0) {
			*(const char **)((char *)r + texts[i].offset) =
			    equals + 1;
			return;
		}
	}
	for (i = 0; i < array_len(raws); i++) {
		if (raws[i].len == len &&
		    memcmp(raws[i].name, line, len) == 0) {
			*(const char **)((char *)raw + raws[i].offset) =
			    equals + 1;
			return;
		}
	}
}

void
request_read(struct req *r, char *const *envp)
{
	struct raw raw = { NULL };
	int64_t length;

	for (; *envp; envp++)
		read_variable(r, &raw, *envp);
	r->method = method_of(r->method_text);
	read_id(r, raw.id);
	trace_begin(&r->trace, raw.trace, r->id);
	if (raw.length && text_is_digits(raw.length) &&
	    text_to_int64(raw.length, &length))
		r->content_length = length;
	if (raw.uri) {
		read_path(r, raw.uri);
	} else if (raw.document_uri) { /* this one is already decoded */
		r->path = raw.document_uri;
		r->bad_path = r->path[0] != '/' ||
			      strstr(r->path, PATH_SLASH) ||
			      !text_is_utf8(r->path, strlen(r->path));
	} else {
		r->bad_path = true;
	}
}
