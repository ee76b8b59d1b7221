/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memcached. A dead or slow server is a miss, never an error; after a failure
 * a breaker keeps us from asking again for a moment, so that a frozen server
 * costs one time-out and not one a request. Keys are digests (cache/key.h);
 * no text of a request ever becomes a key.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/base.h"

struct cache;

#define CACHE_KEY_SIZE 48 /* with the NUL */

struct cache_key {
	char text[CACHE_KEY_SIZE];
};

struct cache_item {
	const char *data; /* NULL: not there */
	size_t len;
};

/*
 * A client for the comma-separated list of socket paths (fixed map, no
 * ejection); "" is a cache that never holds anything. Made after fork.
 */
struct cache *cache_new(TALLOC_CTX *mem, const char *servers);

/*
 * Keys made from now on are those of this incarnation of the database
 * (statement incarnation): what was kept of another one is not found.
 */
void cache_set_incarnation(struct cache *c, uint64_t incarnation);

/*
 * Digest of the server list and the incarnation, part of every key: a changed
 * pool and a restored database start empty.
 */
const char *cache_pool_digest(const struct cache *c);

/*
 * Fetches n keys in ONE round trip; items[i] belongs to keys[i] and its bytes
 * to `mem`. false: the cache could not be asked (all items are then empty).
 */
bool cache_get_many(TALLOC_CTX *mem, struct cache *c,
    const struct cache_key *keys, struct cache_item *items, size_t n);

/* Stores; false when it did not reach the server. seconds <= 30 days. */
bool cache_set(struct cache *c, const struct cache_key *key, const void *p,
    size_t n, int seconds);

/*
 * The generation under `key` as it stands, started from the clock in
 * microseconds if there is none (add, then get: whoever comes first wins).
 * 0: the cache is away.
 */
uint64_t generation_get(struct cache *c, const struct cache_key *key);

/*
 * Raises a generation to max(clock in microseconds, old + 1). Plain set of the
 * clock is not enough (two raises in one microsecond); incr keeps it growing.
 * false: the cache could not be told.
 */
bool generation_raise(struct cache *c, const struct cache_key *key);

/* Decimal text of a generation item; 0 when it is missing or malformed. */
uint64_t generation_parse(const struct cache_item *item);

/* true while the breaker is open. */
bool cache_is_away(const struct cache *c);

#endif
