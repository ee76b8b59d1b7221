/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens: what is issued reads back, and whatever is wrong with one is told.
 * Bad tokens are signed here by hand, since the library makes none.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <sodium.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/mem.h"

#define NOW  INT64_C(1800000000)
#define HOUR 3600
#define SID  "0123456789abcdef0123456789abcdef"

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS                                                             \
	"\"iat\":1799999990,\"jti\":\"00112233445566778899aabbccddeeff\"," \
	"\"sid\":\"" SID "\",\"epoch\":2"
#define GOOD                                                                   \
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42," CLAIMS \
	"}"

static const char secret[] = "0123456789abcdef0123456789abcdef!";
static const struct token_key key = {
	(const unsigned char *)secret,
	sizeof secret - 1,
};
static const struct token_facts facts = {
	.user_id = 42,
	.session_id = SID,
	.epoch = 2,
	.username = "ana.l\xc3\xb3pez+1@x",
	.verified = true,
	.boarded = false,
	.lang = LANG_FR,
};
static TALLOC_CTX *mem;

static void
begin(void)
{
	mem_init();
	mem = talloc_new(NULL);
	clock_set_for_test(NOW * 1000000);
	cr_assert(sodium_init() >= 0);
}

static void
end(void)
{
	talloc_free(mem);
}

TestSuite(token, .init = begin, .fini = end);

static char *
base64(const void *p, size_t n)
{
	size_t size = sodium_base64_ENCODED_LEN(
	    n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *out = talloc_size(mem, size);

	return sodium_bin2base64(
	    out, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A token with any header and payload, truly signed with HMAC-SHA256. */
static char *
sign_with(const struct token_key *k, const char *header, const char *payload)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	char *text = mem_printf(mem, "%s.%s", base64(header, strlen(header)),
	    base64(payload, strlen(payload)));

	crypto_auth_hmacsha256_init(&state, k->bytes, k->len);
	crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)text, strlen(text));
	crypto_auth_hmacsha256_final(&state, mac);
	return mem_printf(mem, "%s.%s", text, base64(mac, sizeof mac));
}

static char *
sign(const char *payload)
{
	return sign_with(&key, HS256, payload);
}

static enum token_verdict
check_as(enum token_type type, const char *token)
{
	struct claims claims;

	return token_check(mem, &key, type, token, NOW, &claims);
}

static enum token_verdict
check(const char *token)
{
	return check_as(TOKEN_ACCESS, token);
}

static json_object *
payload_of(const char *token)
{
	const char *from = strchr(token, '.') + 1;
	unsigned char text[2048];
	size_t n;

	cr_assert(
	    sodium_base642bin(text, sizeof text - 1, from, strlen(from), NULL,
		&n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 ||
	    n > 0);
	text[n] = '\0';
	return json_tokener_parse((const char *)text);
}

static json_object *
claim(json_object *o, const char *name)
{
	json_object *v = NULL;

	cr_assert(json_object_object_get_ex(o, name, &v), "no %s", name);
	return v;
}

Test(token, issued_token_reads_back)
{
	char *t = token_issue(mem, &key, TOKEN_ACCESS, &facts, HOUR,
	    "00112233445566778899aabbccddeeff");
	struct claims c;

	cr_assert_eq(
	    token_check(mem, &key, TOKEN_ACCESS, t, NOW, &c), TOKEN_OK);
	cr_expect_eq(c.user_id, 42);
	cr_expect_str_eq(c.session_id, SID);
	cr_expect_eq(c.epoch, 2);
	cr_expect_eq(c.expires, NOW + HOUR);
	cr_expect(c.has_lang);
	cr_expect_eq(c.lang, LANG_FR);
	cr_expect_str_eq(c.jti, "00112233445566778899aabbccddeeff");
}

Test(token, claims_are_those_of_the_contract)
{
	char *t = token_issue(mem, &key, TOKEN_REFRESH, &facts, HOUR,
	    "00112233445566778899aabbccddeeff");
	json_object *o = payload_of(t);

	cr_assert_eq(json_object_object_length(o), 11);
	cr_expect_str_eq(
	    json_object_get_string(claim(o, "token_type")), "refresh");
	cr_expect_eq(json_object_get_int64(claim(o, "exp")), NOW + HOUR);
	cr_expect_eq(json_object_get_int64(claim(o, "iat")), NOW);
	cr_expect(json_object_is_type(claim(o, "user_id"), json_type_int));
	cr_expect_eq(json_object_get_int(claim(o, "user_id")), 42);
	cr_expect_str_eq(
	    json_object_get_string(claim(o, "username")), facts.username);
	cr_expect(json_object_is_type(claim(o, "verified"), json_type_boolean));
	cr_expect(json_object_get_boolean(claim(o, "verified")));
	cr_expect_not(json_object_get_boolean(claim(o, "boarded")));
	cr_expect_str_eq(
	    json_object_get_string(claim(o, "preferred_language")), "fr");
	cr_expect_eq(strlen(json_object_get_string(claim(o, "jti"))), 32);
	json_object_put(o);
}

Test(token, longest_username_fits)
{
	struct token_facts long_facts = facts;
	char name[601];

	for (int i = 0; i < 150; i++)
		memcpy(name + 4 * i, "\xf0\x90\x90\x80", 4);
	name[600] = '\0';
	long_facts.username = name;
	cr_expect_eq(check(token_issue(mem, &key, TOKEN_ACCESS, &long_facts,
			 HOUR, "00112233445566778899aabbccddeeff")),
	    TOKEN_OK);
}

Test(token, made_by_hand_is_read)
{
	cr_expect_eq(check(sign(GOOD)), TOKEN_OK);
}

Test(token, user_id_may_be_decimal_text)
{
	struct claims c;
	char *t = sign("{\"token_type\":\"access\",\"exp\":1800003600,"
		       "\"user_id\":\"42\"," CLAIMS "}");

	cr_assert_eq(
	    token_check(mem, &key, TOKEN_ACCESS, t, NOW, &c), TOKEN_OK);
	cr_expect_eq(c.user_id, 42);
	cr_expect_not(c.has_lang);
}

Test(token, unknown_language_is_none)
{
	struct claims c;
	char *t =
	    sign("{\"token_type\":\"access\",\"exp\":1800003600,"
		 "\"user_id\":4,\"preferred_language\":\"xx\"," CLAIMS "}");

	cr_assert_eq(
	    token_check(mem, &key, TOKEN_ACCESS, t, NOW, &c), TOKEN_OK);
	cr_expect_not(c.has_lang);
}

Test(token, expiry_has_no_leeway)
{
	struct claims c;
	char *t = sign(GOOD);

	cr_expect_eq(
	    token_check(mem, &key, TOKEN_ACCESS, t, INT64_C(1800003599), &c),
	    TOKEN_OK);
	cr_expect_eq(
	    token_check(mem, &key, TOKEN_ACCESS, t, INT64_C(1800003600), &c),
	    TOKEN_EXPIRED);
}

Test(token, type_is_checked_both_ways)
{
	char *refresh = token_issue(mem, &key, TOKEN_REFRESH, &facts, HOUR,
	    "00112233445566778899aabbccddeeff");

	cr_expect_eq(check(refresh), TOKEN_WRONG_TYPE);
	cr_expect_eq(check_as(TOKEN_REFRESH, refresh), TOKEN_OK);
	cr_expect_eq(check_as(TOKEN_REFRESH, sign(GOOD)), TOKEN_WRONG_TYPE);
	cr_expect_eq(check(sign("{\"token_type\":\"sliding\",\"exp\":"
				"1800003600,\"user_id\":42," CLAIMS "}")),
	    TOKEN_WRONG_TYPE);
}

Test(token, another_key_is_refused)
{
	static const char other[] = "0123456789abcdef0123456789abcdef?";
	const struct token_key k = { (const unsigned char *)other,
		sizeof other - 1 };

	cr_expect_eq(check(sign_with(&k, HS256, GOOD)), TOKEN_INVALID);
}

Test(token, other_algorithms_are_refused)
{
	unsigned char mac[crypto_auth_hmacsha512_BYTES];
	crypto_auth_hmacsha512_state state;
	char *head = mem_printf(mem, "%s.%s",
	    base64("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", 27),
	    base64(GOOD, strlen(GOOD)));

	crypto_auth_hmacsha512_init(&state, key.bytes, key.len);
	crypto_auth_hmacsha512_update(
	    &state, (const unsigned char *)head, strlen(head));
	crypto_auth_hmacsha512_final(&state, mac);
	cr_expect_eq(
	    check(mem_printf(mem, "%s.%s", head, base64(mac, sizeof mac))),
	    TOKEN_INVALID, "HS512 with our own key");
	head = mem_printf(mem, "%s.%s.",
	    base64("{\"alg\":\"none\",\"typ\":\"JWT\"}", 26),
	    base64(GOOD, strlen(GOOD)));
	cr_expect_eq(check(head), TOKEN_INVALID, "none");
	cr_expect_eq(check(sign_with(&key, "{\"alg\":\"none\"}", GOOD)),
	    TOKEN_INVALID, "none with a signature");
	cr_expect_eq(check(sign_with(&key, "{\"alg\":\"RS256\"}", GOOD)),
	    TOKEN_INVALID, "RS256 with a MAC");
	cr_expect_eq(check(sign_with(&key, "{\"typ\":\"JWT\"}", GOOD)),
	    TOKEN_INVALID, "no algorithm");
	cr_expect_eq(check(sign_with(&key, "[]", GOOD)), TOKEN_INVALID);
}

/* Each of these is truly signed, and lacks something or has it wrong. */
static const char *const bad_claims[] = {
	"{}",
	"[]",
	"7",
	"null",
	"",
	"not json",
	"{\"exp\":1800003600,\"user_id\":42," CLAIMS "}",
	"{\"token_type\":7,\"exp\":1800003600,\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":\"1800003600\",\"user_id\":42," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600.5,\"user_id\":42," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":null,\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":true,\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":1e300,\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":99999999999999999999999,"
	"\"user_id\":42," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":1800003600," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":0," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":-4," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":4.5," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":\"\"," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":\"4 \"," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":\"-4\"," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":\"4x\"," CLAIMS
	"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,"
	"\"user_id\":\"99999999999999999999\"," CLAIMS "}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":[42]," CLAIMS
	"}",
	/* sid, epoch, iat, jti */
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"00112233445566778899aabbccddeeff\","
	"\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"00112233445566778899aabbccddeeff\","
	"\"sid\":7,\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"00112233445566778899aabbccddeeff\",\"sid\":\"" SID
	"\"}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"jti\":\"00112233445566778899aabbccddeeff\",\"sid\":\"" SID "\","
	"\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1800003601,\"jti\":\"00112233445566778899aabbccddeeff\","
	"\"sid\":\"" SID "\",\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"sid\":\"" SID "\",\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":7,\"sid\":\"" SID "\",\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"0011\",\"sid\":\"" SID "\",\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"00112233445566778899AABBCCDDEEFF\",\"sid\":\"" SID
	"\","
	"\"epoch\":2}",
	"{\"token_type\":\"access\",\"exp\":1800003600,\"user_id\":42,"
	"\"iat\":1,\"jti\":\"00112233445566778899aabbccddeeff0\",\"sid\":\"" SID
	"\","
	"\"epoch\":2}",
};

Test(token, bad_claims_are_refused)
{
	for (size_t i = 0; i < array_len(bad_claims); i++)
		cr_expect_eq(check(sign(bad_claims[i])), TOKEN_INVALID, "%s",
		    bad_claims[i]);
}

Test(token, every_truncation_is_refused)
{
	char *t = sign(GOOD);

	for (size_t n = strlen(t); n-- > 0;)
		cr_expect_eq(
		    check(mem_textn(mem, t, n)), TOKEN_INVALID, "%zu", n);
}

/* Changing the last digit of a signature changes only bits it does not use. */
Test(token, every_changed_byte_is_refused)
{
	char *t = sign(GOOD);

	for (size_t i = 0; i < strlen(t); i++) {
		char *bad = mem_text(mem, t);

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		cr_expect_eq(check(bad), TOKEN_INVALID, "byte %zu", i);
	}
}

Test(token, garbage_is_refused)
{
	static const char *const bad[] = { "", ".", "..", "...", "a.b.c",
		"a.b.c.d", "\xff\xfe.\x80.\x01", "  ", "%s%n", "e30.e30.e30",
		"====.====.====", "e30..e30", ".e30.e30", "e30.e30.", "e30.e30",
		"e30" };

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect_eq(check(bad[i]), TOKEN_INVALID, "%s", bad[i]);
	cr_expect_eq(check(mem_printf(mem, "%s.x", sign(GOOD))), TOKEN_INVALID,
	    "four parts");
	cr_expect_eq(check(mem_printf(mem, "%s=", sign(GOOD))), TOKEN_INVALID,
	    "padding");
}

Test(token, huge_is_refused_unread)
{
	size_t n = 1 << 20;
	char *huge = talloc_size(mem, n + 1);
	char *long_claim = talloc_size(mem, 8001);

	memset(huge, 'a', n);
	huge[n] = '\0';
	cr_expect_eq(check(huge), TOKEN_INVALID);
	memset(long_claim, 'x', 8000);
	long_claim[8000] = '\0';
	cr_expect_eq(check(sign(mem_printf(mem,
			 "{\"token_type\":\"access\",\"exp\":1800003600,"
			 "\"user_id\":42,\"pad\":\"%s\"," CLAIMS "}",
			 long_claim))),
	    TOKEN_INVALID, "truly signed, but longer than any of ours");
}

Test(token, nothing_is_left_behind)
{
	char *t = sign(GOOD);
	size_t before = talloc_total_blocks(mem);

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(check(t), TOKEN_OK);
	cr_expect_eq(talloc_total_blocks(mem), before);
}

Test(token, short_key_ends_the_program, .signal = 6)
{
	const struct token_key k = { key.bytes, 31 };
	struct claims c;

	(void)token_check(mem, &k, TOKEN_ACCESS, sign(GOOD), NOW, &c);
}
