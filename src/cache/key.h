/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys: digests (BLAKE2b) of the pool, a name and the parts.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/base.h"

#include "cache/cache.h"

/*
 * Key of `name` and the parts. The digest includes their lengths, so that
 * different lists have different keys.
 */
void key_make(const struct cache *c, struct cache_key *out, const char *name,
    const char *const *parts, size_t n);

/* Key of the generation of (kind, key), for example ("movie", "4-the-room"). */
void key_generation(const struct cache *c, struct cache_key *out,
    const char *kind, const char *key);

/*
 * The same of the incarnation before this one, which other hosts may still use;
 * false: none.
 */
bool key_former_generation(const struct cache *c, struct cache_key *out,
    const char *kind, const char *key);

#endif
