/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer cache. One multi-get brings the caller's account, the kept answer
 * and the generations both were made from; equal generations mean valid. The
 * generations are read before the handler runs and raised after a writer's
 * commit, so no interleaving keeps a stale answer.
 */
#ifndef API_CACHED_H
#define API_CACHED_H

#include "base/base.h"

#include "api/depends.h"
#include "auth/account.h"
#include "auth/token.h"
#include "cache/cache.h"
#include "http/request.h"

struct cached {
	bool asked; /* the cache answered */
	bool keep;  /* the answer may be taken from it and kept */
	struct cache_key account;
	struct cache_key account_generation;
	uint64_t account_number; /* 0: not known yet */
	struct cache_key answer;
	size_t n; /* generations of the answer */
	struct cache_key generation[DEPENDS_MAX];
	uint64_t number[DEPENDS_MAX];
};

/*
 * One round trip for a request with `claims` (NULL: a public route). Sets
 * r->account when the cache knows the session, and returns true when r->answer
 * now holds a valid kept answer (for the language the claims guess).
 */
bool cached_look(struct req *r, const struct claims *claims, struct cached *c);

/*
 * To be called when the account came from the database, or speaks another
 * language than the claims said: looks for the answer in the right language.
 */
bool cached_look_again(struct req *r, struct cached *c);

/*
 * Before a handler of a kept route runs, and before an account is read: starts
 * the generations that are not there yet.
 */
void cached_prepare_account(struct req *r, struct cached *c);
void cached_prepare_answer(struct req *r, struct cached *c);

/* Keeps what was read from the database under the generations read before. */
void cached_keep_account(struct req *r, struct cached *c);
void cached_keep_answer(struct req *r, struct cached *c);

#endif
