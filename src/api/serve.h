/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Processing of a request. serve.c is the only caller of handlers.
 */
#ifndef API_SERVE_H
#define API_SERVE_H

#include "base/base.h"

#include "http/request.h"

struct conf;
struct db;
struct cache;
struct memo;
struct shm;

/* The state of a worker. */
struct serve {
	const struct conf *conf;
	struct db *db;
	struct replica *replica; /* NULL: none */
	struct cache *cache;
	struct shm *shm;   /* NULL: no counters, no limits (tests) */
	struct memo *memo; /* NULL: tokens are not cached (tests) */
	/* Sets r->model and its version, for routes that need it; or NULL. */
	void (*find_model)(void *arg, struct req *r);
	void *arg;
	unsigned connections;  /* of touch_prepare() */
	bool unraised;         /* of touch_raise(): some generations */
	int64_t await_from_us; /* touch_await(): steady clock: not before */
	bool stored; /* something in the cache, since serve_ahead() read it */
};

/* Sets the connections of the request. For struct server's prepare. */
void serve_prepare(void *serve, struct req *r);

/*
 * Steps 1 to 5 of requests that have arrived together, with one multi-get. For
 * server's read_ahead.
 */
void serve_ahead(
    void *serve, TALLOC_CTX *mem, struct req *const *list, size_t n);

/* Serves the request, sets r->answer and counts it. For server's serve. */
void serve_request(void *serve, struct req *r);

/*
 * Writes the log line of a request, and counts it if it was not served because
 * the client had gone. For server's end.
 */
void serve_account(void *serve, struct req *r);

#endif
