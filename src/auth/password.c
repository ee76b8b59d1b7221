/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stored passwords: argon2id in libsodium's text format, which contains its
 * cost parameters, so that they can be raised later. Hashes of an imported
 * Django database are verified and replaced by the caller.
 */
/* Before base.h, which bans a function name that OpenSSL uses for a parameter.
 */
/* clang-format off */
#include "config.h"
#include <openssl/evp.h>
#include "base/base.h"
/* clang-format on */

#include "auth/password.h"

#include <limits.h>
#include <sodium.h>

#include "base/mem.h"
#include "base/text.h"

#define ARGON_PASSES 2
#define ARGON_MEMORY (19 * 1024 * 1024)

#define DJANGO_PREFIX    "pbkdf2_sha256$"
#define DJANGO_HASH_SIZE 32
#define DJANGO_SALT_MAX  128
/* Django 6 uses 1.2 million iterations; more than this is an attack. */
#define DJANGO_ITERATIONS_MAX 5000000

char *
password_hash(TALLOC_CTX *mem, const char *password)
{
	char out[crypto_pwhash_STRBYTES];
	int bad = sodium_init() < 0;

	assert(!bad);
	password = text_nfc(mem, password);
	/* Fails only if 19 MiB cannot be allocated. */
	bad = crypto_pwhash_str_alg(out, password, strlen(password),
	    ARGON_PASSES, ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
	mem_need(bad ? NULL : out);
	return mem_text(mem, out);
}

/* As much work as a real check, for a hash that matches no password. */
static void
waste_time(const char *password)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char out[32];
	int bad;

	bad = crypto_pwhash(out, sizeof out, password, strlen(password), salt,
	    ARGON_PASSES, ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
	mem_need(bad ? NULL : out);
}

/* The parts of "pbkdf2_sha256$<iterations>$<salt>$<base64 hash>". */
struct django_hash {
	int64_t iterations;
	const char *salt;
	size_t salt_len;
	unsigned char hash[DJANGO_HASH_SIZE];
};

static bool
django_parse(const char *stored, struct django_hash *out)
{
	char number[20];
	const char *end;
	size_t n;

	if (strncmp(stored, DJANGO_PREFIX, strlen(DJANGO_PREFIX)) != 0)
		return false;
	stored += strlen(DJANGO_PREFIX);
	n = strcspn(stored, "$");
	if (n >= sizeof number || stored[n] != '$')
		return false;
	memcpy(number, stored, n);
	number[n] = '\0';
	if (!text_is_digits(number) ||
	    !text_to_int64(number, &out->iterations) || out->iterations < 1 ||
	    out->iterations > DJANGO_ITERATIONS_MAX)
		return false;
	out->salt = stored + n + 1;
	out->salt_len = strcspn(out->salt, "$");
	if (out->salt_len < 1 || out->salt_len > DJANGO_SALT_MAX ||
	    out->salt[out->salt_len] != '$')
		return false;
	stored = out->salt + out->salt_len + 1;
	return sodium_base642bin(out->hash, sizeof out->hash, stored,
		   strlen(stored), NULL, &n, &end,
		   sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == sizeof out->hash && *end == '\0';
}

static bool
django_fits(const struct django_hash *h, const char *password)
{
	unsigned char made[DJANGO_HASH_SIZE];
	size_t n = strlen(password);
	bool fits;
	int good;

	if (n > INT_MAX)
		return false;
	good = PKCS5_PBKDF2_HMAC(password, (int)n,
	    (const unsigned char *)h->salt, (int)h->salt_len,
	    (int)h->iterations, EVP_sha256(), sizeof made, made);
	assert(good == 1);
	fits = sodium_memcmp(made, h->hash, sizeof made) == 0;
	sodium_memzero(made, sizeof made);
	return fits;
}

/* Compares the bytes. */
static bool
fits_bytes(const char *stored, const char *password, bool *replace)
{
	struct django_hash django;
	int bad = sodium_init() < 0;

	assert(!bad);
	*replace = false;
	if (strncmp(stored, "$argon2", 7) == 0) {
		*replace = crypto_pwhash_str_needs_rehash(
			       stored, ARGON_PASSES, ARGON_MEMORY) != 0;
		return crypto_pwhash_str_verify(
			   stored, password, strlen(password)) == 0;
	}
	if (django_parse(stored, &django)) {
		*replace = true;
		return django_fits(&django, password);
	}
	waste_time(password);
	return false;
}

/*
 * Hashes from before the normalisation, and those of Django, are of the text as
 * it was typed: it is the second attempt. Whether there is one depends only on
 * the password that was sent.
 */
bool
password_fits(const char *stored, const char *password, bool *replace)
{
	char *normal = text_nfc(NULL, password);
	bool fits = fits_bytes(stored, normal, replace);

	if (!fits && strcmp(normal, password) != 0) {
		fits = fits_bytes(stored, password, replace);
		*replace = fits;
	}
	talloc_free(normal);
	return fits;
}
