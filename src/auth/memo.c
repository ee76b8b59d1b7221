/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of checked tokens, indexed by a keyed hash (so that clients cannot
 * choose the entry) and compared as a whole in constant time.
 */
#include "base/base.h"

#include <sodium.h>

#include "auth/memo.h"
#include "base/mem.h"
#include "base/random.h"

struct seen {
	char *token; /* NULL: empty entry */
	size_t len;
	struct claims claims;
};

struct memo {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct seen seen[MEMO_SIZE];
};

struct memo *
memo_new(TALLOC_CTX *mem)
{
	struct memo *memo = mem_new(mem, struct memo);

	random_bytes(memo->key, sizeof memo->key);
	return memo;
}

static size_t
place_of(const struct memo *memo, const char *token, size_t len)
{
	uint64_t hash;

	_Static_assert(sizeof hash == crypto_shorthash_BYTES, "hash size");
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)token,
	    len, memo->key);
	return hash % MEMO_SIZE;
}

bool
memo_find(
    const struct memo *memo, const char *token, int64_t now, struct claims *out)
{
	size_t len = strlen(token);
	const struct seen *seen;

	if (!memo)
		return false;
	seen = &memo->seen[place_of(memo, token, len)];
	if (!seen->token || seen->len != len ||
	    sodium_memcmp(seen->token, token, len) != 0)
		return false;
	if (seen->claims.expires <= now)
		return false; /* the full check reports the error */
	*out = seen->claims;
	return true;
}

void
memo_keep(struct memo *memo, const char *token, const struct claims *c)
{
	size_t len = strlen(token);
	struct seen *seen;

	if (!memo)
		return;
	seen = &memo->seen[place_of(memo, token, len)];
	talloc_free(seen->token);
	seen->token = mem_textn(memo, token, len);
	seen->len = len;
	seen->claims = *c;
}
