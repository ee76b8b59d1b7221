/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens that this worker has checked already. A client sends the same token
 * with every request of an hour, and the check (HMAC, base64, JSON) was a fifth
 * of what a cached answer costs. Only what a token says of itself is kept:
 * whether account and session still stand is asked at every request.
 */
#ifndef AUTH_MEMO_H
#define AUTH_MEMO_H

#include "base/base.h"

#include "auth/token.h"

struct memo;

/* Room for MEMO_SIZE tokens, all checked with one and the same key. */
#define MEMO_SIZE 256
struct memo *memo_new(TALLOC_CTX *mem);

/*
 * Was this access token found good, and is it not expired at `now` (seconds)?
 * Then its claims. NULL as memo knows nothing.
 */
bool memo_find(const struct memo *memo, const char *token, int64_t now,
    struct claims *out);

/* Remembers a token that token_check() found good, in the place of another. */
void memo_keep(struct memo *memo, const char *token, const struct claims *c);

#endif
