/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of memcached: 16 bytes of BLAKE2b as base64url, after a letter. The
 * digest includes the pool, the name and the parts, each prefixed with its
 * length, so that
 * ("ab", "c") and ("a", "bc") are different keys.
 */
#include "base/base.h"

#include <sodium.h>

#include "cache/key.h"

#define DIGEST_SIZE 16

_Static_assert(1 + sodium_base64_ENCODED_LEN(
		       DIGEST_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
		   CACHE_KEY_SIZE,
    "a key does not fit");

static void
key_add(crypto_generichash_state *h, const char *s)
{
	uint64_t len = strlen(s);
	unsigned char size[8];
	int i;

	for (i = 0; i < 8; i++)
		size[i] = (unsigned char)(len >> 8 * i);
	crypto_generichash_update(h, size, sizeof size);
	crypto_generichash_update(h, (const unsigned char *)s, len);
}

static void
make(const char *digest_of_pool, struct cache_key *out, const char *name,
    const char *const *parts, size_t n)
{
	unsigned char digest[DIGEST_SIZE];
	crypto_generichash_state h;
	size_t i;

	crypto_generichash_init(&h, NULL, 0, sizeof digest);
	key_add(&h, digest_of_pool);
	key_add(&h, name);
	for (i = 0; i < n; i++)
		key_add(&h, parts[i]);
	crypto_generichash_final(&h, digest, sizeof digest);
	out->text[0] = 'x';
	sodium_bin2base64(out->text + 1, sizeof out->text - 1, digest,
	    sizeof digest, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
key_make(const struct cache *c, struct cache_key *out, const char *name,
    const char *const *parts, size_t n)
{
	make(cache_pool_digest(c), out, name, parts, n);
}

static const char generation[] = "generation";

void
key_generation(const struct cache *c, struct cache_key *out, const char *kind,
    const char *key)
{
	const char *const parts[] = { kind, key };

	make(cache_pool_digest(c), out, generation, parts, array_len(parts));
}

bool
key_former_generation(const struct cache *c, struct cache_key *out,
    const char *kind, const char *key)
{
	const char *const parts[] = { kind, key };
	const char *digest = cache_former_digest(c);

	if (digest)
		make(digest, out, generation, parts, array_len(parts));
	return digest != NULL;
}
