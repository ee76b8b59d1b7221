/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request: everything a handler can know of it. It owns `mem`; all that is
 * made while answering hangs below that and goes in one call.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/base.h"

#include "base/buf.h"
#include "i18n/lang.h"

struct account;
struct bound;
struct cache;
struct conf;
struct db;
struct field_value;
struct memo;
struct model;
struct problem;
struct route;
struct shm;
struct upload;

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER
};

/*
 * Stands in `path` for a %2F of the client, which is part of a segment and no
 * separator: U+FDD0, a code point that no text may use, so it cannot come in
 * otherwise (such a path is bad).
 */
#define PATH_SLASH "\xef\xb7\x90"

/* "GET"; not for METHOD_OTHER. */
const char *method_name(enum method method);

#define PATH_PARAMS_MAX 4
#define REQUEST_ID_MAX  64

/* What has been decided of the answer so far; http/reply.h fills it. */
struct answer {
	int status;       /* 0: nothing yet */
	const char *type; /* content type */
	struct buf body;
	struct buf headers;        /* further header lines, each with CR LF */
	const char *ready_headers; /* the same of a kept answer, borrowed */
	size_t ready_headers_len;
	char etag[48]; /* with quotes; empty: none */
	const char *cache_control;
	bool passing; /* true of this moment only: not to be kept */
};

struct req {
	TALLOC_CTX *mem;
	int64_t started_us; /* steady clock */

	/* from FastCGI, as they came; never NULL, perhaps empty */
	enum method method;
	const char *method_text;
	const char *path;  /* decoded, whole: "/api/movies/" */
	const char *query; /* raw */
	const char *content_type;
	const char *authorization;
	const char *accept;
	const char *accept_language;
	const char *if_none_match;
	const char *origin;
	const char *user_agent;  /* any bytes */
	const char *address;     /* REMOTE_ADDR */
	const char *cors_method; /* Access-Control-Request-Method */
	char id[REQUEST_ID_MAX + 1];
	int64_t content_length; /* -1: absent */
	bool bad_path; /* percent-encoding or UTF-8 of the path is wrong */

	/* body: read once by the server; ends with a NUL that does not count */
	const char *body;
	size_t body_len;
	bool body_too_large; /* it was longer than is read; body is empty */

	/* found on the way */
	const struct route *route;
	const char
	    *path_param[PATH_PARAMS_MAX]; /* in the order of the pattern */
	struct account *account;          /* NULL: nobody */
	enum lang lang;
	struct field_value *values; /* parallel to route->input */
	struct problem *problem;    /* errors so far, NULL: none */
	struct bound *bound;        /* of bind_arg(); NULL: none */
	struct answer answer;
	int64_t account_id;     /* for the log: 0 nobody */
	const char *cache_word; /* for the log: "hit", "miss", "off", "-" */

	/* the worker's */
	const struct conf *conf;
	struct db *db;
	struct cache *cache;
	struct shm *shm;   /* counters and flags; NULL in tests */
	struct memo *memo; /* tokens checked before; NULL in tests */
	/* the recommender's, for routes that are BY_MODEL; NULL: none */
	const struct model *model;
	uint64_t model_version; /* 0: none */
};

/* A request in a context of its own below `parent`; every text is empty. */
struct req *request_new(TALLOC_CTX *parent);

/*
 * Fills in what the web server says: "NAME=value" texts, ended by NULL, which
 * are borrowed for the life of the request.
 */
void request_read(struct req *r, char *const *envp);

#endif
