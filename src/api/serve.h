/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request, top to bottom. serve.c is the only caller of handlers.
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

/* What a worker holds for its whole life. */
struct serve {
	const struct conf *conf;
	struct db *db;
	struct cache *cache;
	struct shm *shm;   /* NULL: no counters, no limits (tests) */
	struct memo *memo; /* NULL: every token is checked anew (tests) */
	/* Sets r->model and its version, for routes that want it; or NULL. */
	void (*find_model)(void *arg, struct req *r);
	void *arg;
};

/* Gives the request its worker's connections. For struct server's prepare. */
void serve_prepare(void *serve, struct req *r);

/* Answers the request: afterwards r->answer is complete. For server's serve. */
void serve_request(void *serve, struct req *r);

/* Counts the answered request and writes its log line. For server's end. */
void serve_account(void *serve, struct req *r);

#endif
