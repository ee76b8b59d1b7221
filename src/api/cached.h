/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer cache. One multi-get reads the caller's account, the cached answer
 * and the generations both depend on; equal generations mean valid. Generations
 * are read before the handler runs and raised after the commit of a write, so
 * that no interleaving leaves a stale answer in the cache.
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
	bool asked;     /* the cache was read */
	bool cacheable; /* the answer may be read from the cache and stored */
	struct cache_key account;
	struct cache_key account_generation;
	uint64_t account_number; /* 0: not known */
	struct cache_key answer;
	size_t n; /* number of generations of the answer */
	struct cache_key generation[DEPENDS_MAX];
	uint64_t number[DEPENDS_MAX];
	int kind[DEPENDS_MAX]; /* of depends_kind() */
	int stale; /* 1 + kind of the generation of a stale answer; 0: none */
};

/* So many keys at most are read for a request. */
#define CACHED_KEYS_MAX (3 + DEPENDS_MAX)

/*
 * What is to be read for a request with `claims` (NULL: a public route); the
 * number of keys. 0: the cache is not used.
 */
size_t cached_keys(struct req *r, const struct claims *claims, struct cached *c,
    struct cache_key keys[CACHED_KEYS_MAX]);

/* Takes what was read for those keys; as cached_read(). */
bool cached_take(struct req *r, const struct claims *claims, struct cached *c,
    const struct cache_item *items);

/*
 * One round trip for a request with `claims` (NULL: a public route). Sets
 * r->account if the session is in the cache, and returns true if r->answer was
 * set from a valid cached answer (in the language of the claims).
 */
bool cached_read(struct req *r, const struct claims *claims, struct cached *c);

/*
 * To be called if the account was read from the database or has another
 * language than the claims: reads the answer in the right language.
 */
bool cached_read_again(struct req *r, struct cached *c);

/*
 * Called before the handler of a cacheable route runs, and before an account is
 * read: starts missing generations.
 */
void cached_prepare_account(struct req *r, struct cached *c);
void cached_prepare_answer(struct req *r, struct cached *c);

/* Stores what was read from the database, with the generations read before. */
void cached_store_account(struct req *r, struct cached *c);
void cached_store_answer(struct req *r, struct cached *c);

#endif
