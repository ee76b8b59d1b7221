/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the reading of tokens: the input as the token itself, and as header
 * and payload (parted by the first line feed) that are truly signed, so that
 * what lies behind the signature is reached too.
 */
#include "base/base.h"

#include <sodium.h>

#include "auth/token.h"
#include "base/mem.h"
#include "fuzz.h"

#define NOW    INT64_C(1800000000)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const struct token_key key = {
	(const unsigned char *)secret,
	sizeof secret - 1,
};

/* Whatever comes in, the verdict is one of ours, and what passes makes sense.
 */
static void
check(TALLOC_CTX *mem, const char *token)
{
	for (int type = TOKEN_ACCESS; type <= TOKEN_REFRESH; type++) {
		struct claims c;
		enum token_verdict verdict = token_check(
		    mem, &key, (enum token_type)type, token, NOW, &c);

		assert(verdict >= TOKEN_OK && verdict <= TOKEN_WRONG_TYPE);
		if (verdict != TOKEN_OK)
			continue;
		assert(c.user_id > 0 && c.expires > NOW);
		assert(strlen(c.jti) == 32);
		assert(!c.has_lang || c.lang < LANG__MAX);
	}
}

static char *
base64(TALLOC_CTX *mem, const void *p, size_t n)
{
	size_t size = sodium_base64_ENCODED_LEN(n, BASE64);
	char *out = mem_array(mem, char, size);

	return sodium_bin2base64(out, size, p, n, BASE64);
}

static char *
sign(TALLOC_CTX *mem, const char *text, size_t n)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	const char *end = memchr(text, '\n', n);
	crypto_auth_hmacsha256_state state;
	size_t head = end ? (size_t)(end - text) : 0;
	size_t from = end ? head + 1 : 0;
	char *out = mem_printf(mem, "%s.%s",
	    end ? base64(mem, text, head) :
		  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
	    base64(mem, text + from, n - from));

	crypto_auth_hmacsha256_init(&state, key.bytes, key.len);
	crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)out, strlen(out));
	crypto_auth_hmacsha256_final(&state, mac);
	return mem_printf(mem, "%s.%s", out, base64(mem, mac, sizeof mac));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char *text = mem_textn(mem, (const char *)data, size);

	check(mem, text);
	check(mem, sign(mem, text, size));
	talloc_free(mem);
	return 0;
}
