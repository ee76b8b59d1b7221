/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request, as seen by handlers. Everything that is allocated while it is
 * served is below `mem` and freed with it.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/base.h"

#include "base/buf.h"
#include "base/trace.h"
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
 * Replaces %2F in `path`, which is part of a segment and not a separator:
 * U+FDD0, a noncharacter, so it cannot occur otherwise (such a path is
 * invalid).
 */
#define PATH_SLASH "\xef\xb7\x90"

/* "GET"; not for METHOD_OTHER. */
const char *method_name(enum method method);

#define PATH_PARAMS_MAX 4
#define REQUEST_ID_MAX  64

/* The answer so far; set by the functions of http/reply.h. */
struct answer {
	int status;       /* 0: not set */
	const char *type; /* content type */
	struct buf body;
	struct buf headers;        /* further header lines, each with CR LF */
	const char *ready_headers; /* the same of a cached answer, not copied */
	size_t ready_headers_len;
	char etag[48]; /* with quotes; empty: none */
	const char *cache_control;
	bool no_store; /* must not be cached */
};

struct req {
	TALLOC_CTX *mem;
	int64_t started_us; /* steady clock */

	/* from FastCGI, unchanged; never NULL, may be empty */
	enum method method;
	const char *method_text;
	const char *path;  /* decoded, complete: "/api/movies/" */
	const char *query; /* raw */
	const char *content_type;
	const char *authorization;
	const char *accept;
	const char *accept_language;
	const char *if_match;
	const char *if_none_match;
	const char *origin;
	const char *user_agent;  /* any bytes */
	const char *address;     /* REMOTE_ADDR */
	const char *cors_method; /* Access-Control-Request-Method */
	char id[REQUEST_ID_MAX + 1];
	struct trace trace;
	int64_t content_length; /* -1: absent */
	bool bad_path; /* the path has invalid percent-encoding or UTF-8 */

	/* read once by the server; NUL-terminated */
	const char *body;
	size_t body_len;
	bool body_too_large; /* longer than the limit; body is empty */

	/* set while the request is processed */
	const struct route *route;
	const char
	    *path_param[PATH_PARAMS_MAX]; /* in the order of the pattern */
	struct account *account;          /* NULL: not authenticated */
	const char *os_user; /* who runs mxmctl, a user of the machine */
	enum lang lang;
	struct field_value *values; /* parallel to route->input */
	struct problem *problem;    /* errors so far, NULL: none */
	struct bound *bound;        /* of bind_arg(); NULL: none */
	struct progress *progress;  /* of serve_ahead(); NULL: none */
	struct answer answer;
	int64_t account_id;     /* for the log; 0: none */
	const char *cache_word; /* for the log: "hit", "miss", … */
	bool counted;           /* in the shared counters */

	/* of the worker */
	const struct conf *conf;
	struct db *db;
	struct replica *replica; /* read from the standby; NULL: from db */
	struct cache *cache;
	struct shm *shm;   /* counters and flags; NULL in tests */
	struct memo *memo; /* cache of checked tokens; NULL in tests */
	/* for routes with BY_MODEL or .needs_model; NULL: none */
	const struct model *model;
	uint64_t model_version;   /* 0: none */
	int64_t model_trained_at; /* seconds since 1970 */
};

/* A request with its own context below `parent`; all texts are empty. */
struct req *request_new(TALLOC_CTX *parent);

/* A request whose context is `mem`, which has been emptied. */
struct req *request_new_in(TALLOC_CTX *mem);

/*
 * Reads the variables of the web server: "NAME=value" texts, terminated by
 * NULL, which must live as long as the request.
 */
void request_read(struct req *r, char *const *envp);

#endif
