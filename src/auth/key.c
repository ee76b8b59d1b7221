/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Derived keys and digests, all BLAKE2b of libsodium. A derived key is the
 * digest of the signing key and of the name of its use.
 */
#include "base/base.h"

#include <sodium.h>

#include "auth/key.h"
#include "base/text.h"

#define JTI_BYTES 16

struct token_key
key_of(const struct conf *conf)
{
	return (struct token_key){
		.bytes = (const unsigned char *)conf->signing_key,
		.len = strlen(conf->signing_key),
	};
}

/* Including the NUL, so that different lists of parts have different digests.
 */
static void
add_text(crypto_generichash_state *state, const char *s)
{
	crypto_generichash_update(
	    state, (const unsigned char *)s, strlen(s) + 1);
}

/* Starts a keyed digest of `n` bytes for one use. */
static void
begin(crypto_generichash_state *state, const struct conf *conf, const char *use,
    size_t n)
{
	unsigned char key[crypto_generichash_KEYBYTES];
	struct token_key master = key_of(conf);
	int bad = sodium_init() < 0;

	assert(!bad);
	crypto_generichash_init(state, NULL, 0, sizeof key);
	add_text(state, use);
	crypto_generichash_update(state, master.bytes, master.len);
	crypto_generichash_final(state, key, sizeof key);
	crypto_generichash_init(state, key, sizeof key, n);
	sodium_memzero(key, sizeof key);
}

void
key_code_digest(const struct conf *conf, const char *owner, const char *purpose,
    const char *code, unsigned char out[KEY_DIGEST_SIZE])
{
	crypto_generichash_state state;

	begin(&state, conf, "code", KEY_DIGEST_SIZE);
	add_text(&state, purpose);
	add_text(&state, owner);
	add_text(&state, code);
	crypto_generichash_final(&state, out, KEY_DIGEST_SIZE);
}

void
key_address_digest(const struct conf *conf, const char *email,
    unsigned char out[KEY_DIGEST_SIZE])
{
	crypto_generichash_state state;
	char *low = text_lower_ascii(NULL, email);

	begin(&state, conf, "address", KEY_DIGEST_SIZE);
	add_text(&state, low);
	crypto_generichash_final(&state, out, KEY_DIGEST_SIZE);
	talloc_free(low);
}

void
key_jti_digest(const char *jti, unsigned char out[KEY_DIGEST_SIZE])
{
	int bad = crypto_generichash(out, KEY_DIGEST_SIZE,
	    (const unsigned char *)jti, strlen(jti), NULL, 0);

	assert(!bad);
}

void
key_next_jti(const struct conf *conf, const char *session_id, const char *jti,
    char out[KEY_JTI_SIZE])
{
	crypto_generichash_state state;
	unsigned char next[JTI_BYTES];

	begin(&state, conf, "rotation", sizeof next);
	add_text(&state, session_id);
	add_text(&state, jti);
	crypto_generichash_final(&state, next, sizeof next);
	sodium_bin2hex(out, KEY_JTI_SIZE, next, sizeof next);
}
