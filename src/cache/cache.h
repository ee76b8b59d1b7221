/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memcached. A dead or slow server is a miss, not an error; after a failure a
 * circuit breaker skips the server for a moment, so that a frozen server costs
 * one timeout and not one per request. Keys are digests (cache/key.h); text of
 * requests is never a key.
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
	const char *data; /* NULL: a miss */
	size_t len;
};

/*
 * A client for the comma-separated list of socket paths (fixed map, no
 * ejection); "" is an always empty cache. Create it after fork.
 */
struct cache *cache_new(TALLOC_CTX *mem, const char *servers);

/*
 * Sets the incarnation of the database (statement incarnation), which is part
 * of keys made from now on, so that values of other incarnations are not found.
 */
void cache_set_incarnation(struct cache *c, uint64_t incarnation);

/*
 * Digest of the server list and the incarnation, part of every key: after a
 * change of the pool or a restore of the database the cache is empty.
 */
const char *cache_pool_digest(const struct cache *c);

/*
 * The same with the incarnation before this one, for half a minute after the
 * change; NULL: none.
 */
const char *cache_former_digest(const struct cache *c);

/*
 * Reads n keys in one round trip; items[i] is that of keys[i], with its bytes
 * below `mem`. false: the cache is unavailable (all items are empty).
 */
bool cache_get_many(TALLOC_CTX *mem, struct cache *c,
    const struct cache_key *keys, struct cache_item *items, size_t n);

/* Stores a value; false: failed. seconds <= 30 days. */
bool cache_set(struct cache *c, const struct cache_key *key, const void *p,
    size_t n, int seconds);

/*
 * The generation at `key`; if there is none, it is started with the clock in
 * microseconds (add, then get, so the first one counts). 0: the cache is
 * unavailable.
 */
uint64_t generation_get(struct cache *c, const struct cache_key *key);

/*
 * Raises a generation to max(clock in microseconds, old + 1); the clock alone
 * would not be enough for two raises in one microsecond. false: the cache is
 * unavailable.
 */
bool generation_raise(struct cache *c, const struct cache_key *key);

/*
 * Raises n generations in batches of two round trips to each server, however
 * many they are. raised[i] is the result of keys[i]; true: all were raised.
 */
bool generation_raise_many(
    struct cache *c, const struct cache_key *keys, bool *raised, size_t n);

/* Parses a generation item; 0 if it is missing or malformed. */
uint64_t generation_parse(const struct cache_item *item);

/* Whether the breakers of all servers are open. */
bool cache_is_away(const struct cache *c);

/* Number of servers, and the socket path of one. */
size_t cache_servers(const struct cache *c);
const char *cache_server_path(const struct cache *c, size_t server);

/*
 * Passes the statistics of a server (command `stats` of memcached) to take(),
 * as texts that are valid for the call. false: the server is unavailable; some
 * may have been passed.
 */
typedef void cache_stat(void *arg, const char *name, const char *value);
bool cache_stats(struct cache *c, size_t server, cache_stat *take, void *arg);

/*
 * Deletes all items of a server, also those of other programs. Generations are
 * lost as by a restart of the server, so no answer becomes stale by this.
 * false: the server is unavailable, or refuses it (memcached -F).
 */
bool cache_flush(struct cache *c, size_t server);

#endif
