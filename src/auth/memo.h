/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cache of checked tokens in this worker. A client sends the same token for an
 * hour, and the check (HMAC, base64, JSON) took a fifth of the time of a cached
 * answer. Only the claims are cached; account and session are checked at every
 * request.
 */
#ifndef AUTH_MEMO_H
#define AUTH_MEMO_H

#include "base/base.h"

#include "auth/token.h"

struct memo;

/* A cache of MEMO_SIZE tokens, all checked with the same key. */
#define MEMO_SIZE 256
struct memo *memo_new(TALLOC_CTX *mem);

/*
 * Whether this access token is in the cache and has not expired at `now`
 * (seconds); then its claims. A NULL memo is empty.
 */
bool memo_find(const struct memo *memo, const char *token, int64_t now,
    struct claims *out);

/* Adds a token accepted by token_check(), replacing another one. */
void memo_keep(struct memo *memo, const char *token, const struct claims *c);

#endif
