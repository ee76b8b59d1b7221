/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed tokens of other services, with OpenSSL: libjwt takes keys in PEM only.
 */
/* Before base.h, which bans a function name that OpenSSL uses for a parameter.
 */
/* clang-format off */
#include "config.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include "base/base.h"
/* clang-format on */

#include "jobs/jws.h"

#include <json-c/json.h>
#include <sodium.h>

#include "base/mem.h"
#include "import/record.h"

#define TOKEN_MAX    ((size_t)65536)
#define KEYS_MAX     64
#define MODULUS_MIN  2048 /* bits */
#define MODULUS_MAX  8192
#define EXPONENT_MAX 64
#define P256_BYTES   32

struct bytes {
	unsigned char *data;
	size_t len;
};

static bool
decode(TALLOC_CTX *mem, const char *text, size_t n, struct bytes *out)
{
	const char *end;

	out->data = mem_array(mem, unsigned char, n + 1);
	if (sodium_base642bin(out->data, n, text, n, NULL, &out->len, &end,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	out->data[out->len] = '\0';
	return end == text + n;
}

/* A member of a key that is base64url. */
static bool
member(TALLOC_CTX *mem, struct json_object *key, const char *name,
    struct bytes *out)
{
	const char *text = record_text(key, name);

	return text && strlen(text) <= TOKEN_MAX &&
	       decode(mem, text, strlen(text), out) && out->len > 0;
}

/* NULL: the parameters are no key. Frees `build`. */
static EVP_PKEY *
key_from(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *
rsa_key(TALLOC_CTX *mem, struct json_object *jwk)
{
	OSSL_PARAM_BLD *build;
	EVP_PKEY *key = NULL;
	struct bytes n, e;
	BIGNUM *bn, *be;

	if (!member(mem, jwk, "n", &n) || !member(mem, jwk, "e", &e) ||
	    n.len > MODULUS_MAX / 8)
		return NULL;
	bn = BN_bin2bn(n.data, (int)n.len, NULL);
	be = BN_bin2bn(e.data, (int)e.len, NULL);
	build = OSSL_PARAM_BLD_new();
	mem_need(bn);
	mem_need(be);
	mem_need(build);
	if (BN_num_bits(bn) < MODULUS_MIN || BN_num_bits(be) > EXPONENT_MAX ||
	    !BN_is_odd(be) || BN_is_one(be) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be))
		OSSL_PARAM_BLD_free(build);
	else
		key = key_from("RSA", build);
	BN_free(bn);
	BN_free(be);
	return key;
}

/* OpenSSL checks that the point is on the curve. */
static EVP_PKEY *
ec_key(TALLOC_CTX *mem, struct json_object *jwk)
{
	unsigned char point[1 + 2 * P256_BYTES] = {
		POINT_CONVERSION_UNCOMPRESSED
	};
	const char *curve = record_text(jwk, "crv");
	OSSL_PARAM_BLD *build;
	struct bytes x, y;

	if (!curve || strcmp(curve, "P-256") != 0 ||
	    !member(mem, jwk, "x", &x) || !member(mem, jwk, "y", &y) ||
	    x.len != P256_BYTES || y.len != P256_BYTES)
		return NULL;
	memcpy(point + 1, x.data, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.data, P256_BYTES);
	build = mem_need(OSSL_PARAM_BLD_new());
	if (!OSSL_PARAM_BLD_push_utf8_string(
		build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point)) {
		OSSL_PARAM_BLD_free(build);
		return NULL;
	}
	return key_from("EC", build);
}

/* The signature of ES256 is two numbers; OpenSSL expects them in DER. */
static bool
to_der(TALLOC_CTX *mem, struct bytes *signature)
{
	ECDSA_SIG *pair;
	unsigned char *der = NULL;
	int n;

	if (signature->len != 2 * P256_BYTES)
		return false;
	pair = mem_need(ECDSA_SIG_new());
	ECDSA_SIG_set0(pair,
	    mem_need(BN_bin2bn(signature->data, P256_BYTES, NULL)),
	    mem_need(
		BN_bin2bn(signature->data + P256_BYTES, P256_BYTES, NULL)));
	n = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	if (n <= 0)
		return false;
	signature->data = mem_array(mem, unsigned char, (size_t)n);
	signature->len = (size_t)n;
	memcpy(signature->data, der, (size_t)n);
	OPENSSL_free(der);
	return true;
}

static bool
fits(EVP_PKEY *key, const struct bytes *signature, const char *data, size_t n)
{
	EVP_MD_CTX *ctx = mem_need(EVP_MD_CTX_new());
	bool good;

	good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature->data, signature->len,
		   (const unsigned char *)data, n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static const struct algorithm {
	const char *name; /* alg */
	const char *type; /* kty */
	EVP_PKEY *(*key)(TALLOC_CTX *mem, struct json_object *jwk);
	bool is_pair; /* the signature is two numbers */
} algorithms[] = {
	{ "ES256", "EC", ec_key, true },
	{ "RS256", "RSA", rsa_key, false },
};

/* Whether a member is absent or has that value. */
static bool
may_be(struct json_object *key, const char *name, const char *value)
{
	struct json_object *v;
	const char *text = record_text(key, name);

	return !json_object_object_get_ex(key, name, &v) ||
	       (text && strcmp(text, value) == 0);
}

/*
 * The key with the identifier, of the right type and purpose; without an
 * identifier the only one.
 */
static struct json_object *
find_key(struct json_object *set, const char *id, const struct algorithm *alg)
{
	struct json_object *list, *found = NULL;
	size_t n, i;

	if (!json_object_object_get_ex(set, "keys", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	n = json_object_array_length(list);
	for (i = 0; i < n && i < KEYS_MAX; i++) {
		struct json_object *key = json_object_array_get_idx(list, i);
		const char *kid, *type;

		if (!json_object_is_type(key, json_type_object))
			continue;
		kid = record_text(key, "kid");
		type = record_text(key, "kty");
		if (!type || strcmp(type, alg->type) != 0 ||
		    !may_be(key, "use", "sig") ||
		    !may_be(key, "alg", alg->name) ||
		    (id && (!kid || strcmp(kid, id) != 0)))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

/* The algorithm of the header; NULL with *why: it is not allowed. */
static const struct algorithm *
read_header(TALLOC_CTX *mem, const char *token, size_t n, const char **id,
    const char **why)
{
	struct json_object *header, *critical;
	const char *alg, *fault;
	struct bytes bytes;
	size_t i;

	*why = "the header of the token is invalid";
	if (!decode(mem, token, n, &bytes))
		return NULL;
	header = record_parse(mem, (const char *)bytes.data, bytes.len, &fault);
	if (!header || json_object_object_get_ex(header, "crit", &critical))
		return NULL;
	*id = record_text(header, "kid");
	alg = record_text(header, "alg");
	*why = "the algorithm of the token is not RS256 or ES256";
	for (i = 0; alg && i < array_len(algorithms); i++)
		if (strcmp(algorithms[i].name, alg) == 0)
			return &algorithms[i];
	return NULL;
}

static bool
is_signed(TALLOC_CTX *mem, const struct algorithm *alg, struct json_object *jwk,
    struct bytes *signature, const char *data, size_t n)
{
	EVP_PKEY *key = alg->key(mem, jwk);
	bool good;

	good = key && (!alg->is_pair || to_der(mem, signature)) &&
	       fits(key, signature, data, n);
	EVP_PKEY_free(key);
	return good;
}

enum jws_verdict
jws_verify(TALLOC_CTX *mem, const char *token, struct json_object *keys,
    struct json_object **claims, const char **why)
{
	const char *first = strchr(token, '.'), *id = NULL, *fault;
	const char *second = first ? strchr(first + 1, '.') : NULL;
	const struct algorithm *alg;
	struct bytes signature, payload;
	struct json_object *jwk;

	*why = "the token is no JSON Web Signature";
	if (!second || strchr(second + 1, '.'))
		return JWS_INVALID;
	if (strlen(token) > TOKEN_MAX)
		return JWS_UNREADABLE;
	if (!decode(mem, second + 1, strlen(second + 1), &signature) ||
	    !decode(mem, first + 1, (size_t)(second - first) - 1, &payload))
		return JWS_INVALID;
	alg = read_header(mem, token, (size_t)(first - token), &id, why);
	if (!alg)
		return JWS_INVALID;
	*why = "the provider publishes no key with the identifier of the token";
	jwk = find_key(keys, id, alg);
	if (!jwk)
		return JWS_UNKNOWN_KEY;
	*why = "the signature of the token is invalid";
	if (!is_signed(
		mem, alg, jwk, &signature, token, (size_t)(second - token)))
		return JWS_INVALID;
	*why = "the payload of the token is invalid";
	*claims =
	    record_parse(mem, (const char *)payload.data, payload.len, &fault);
	return *claims ? JWS_VALID : JWS_UNREADABLE;
}
