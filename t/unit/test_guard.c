/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guard: every form of the Authorization header, and who passes which row.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "auth/account.h"
#include "auth/guard.h"
#include "auth/key.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"

#define NOW  INT64_C(1800000000)
#define HOUR 3600
#define JTI  "00112233445566778899aabbccddeeff"

static char secret[] = "0123456789abcdef0123456789abcdef!";
static const struct token_facts facts = {
	.user_id = 42,
	.session_id = "0123456789abcdef0123456789abcdef",
	.username = "ana",
	.lang = LANG_EN,
};
static struct conf conf;
static struct req req;

static void
begin(void)
{
	mem_init();
	conf.signing_key = secret;
	req.mem = talloc_new(NULL);
	req.conf = &conf;
	req.lang = LANG_EN;
	clock_set_for_test(NOW * 1000000);
}

static void
end(void)
{
	talloc_free(req.mem);
}

TestSuite(guard, .init = begin, .fini = end);

static char *
issue(enum token_type type, int64_t lifetime)
{
	struct token_key key = key_of(&conf);

	return token_issue(req.mem, &key, type, &facts, lifetime, JTI);
}

static enum err
guard_header(const char *value, struct claims *claims)
{
	req.problem = NULL;
	req.authorization = value;
	return guard_token(&req, claims);
}

/* The header is refused with this sentence, code and message. */
static void
expect_refused(const char *value, enum msg msg, const char *code, enum msg why)
{
	struct claims claims;

	cr_assert_eq(
	    guard_header(value, &claims), ERR_UNAUTHORIZED, "%s", value);
	cr_assert_not_null(req.problem);
	cr_assert_eq(req.problem->n, 1);
	cr_expect_str_eq(problem_text(&req, &req.problem->list[0]),
	    msg_text(LANG_EN, msg), "%s", value);
	if (code)
		cr_expect_str_eq(req.problem->detail_code, code, "%s", value);
	else
		cr_expect_null(req.problem->detail_code, "%s", value);
	if (why)
		cr_expect_str_eq(req.problem->token_message,
		    msg_text(LANG_EN, why), "%s", value);
	else
		cr_expect_null(req.problem->token_message, "%s", value);
}

Test(guard, good_token_passes)
{
	static const char *const forms[] = { "Bearer %s", "Bearer   %s",
		" Bearer\t%s  ", "bearer %s", "BEARER %s" };
	char *token = issue(TOKEN_ACCESS, HOUR);
	struct claims claims;

	for (size_t i = 0; i < array_len(forms); i++) {
		const char *at = strchr(forms[i], '%');
		char *value = mem_printf(req.mem, "%.*s%s%s",
		    (int)(at - forms[i]), forms[i], token, at + 2);

		cr_assert_eq(
		    guard_header(value, &claims), ERR_OK, "%s", forms[i]);
		cr_expect_eq(claims.user_id, 42);
		cr_expect_str_eq(
		    claims.session_id, "0123456789abcdef0123456789abcdef");
	}
}

/* No header of ours is no authentication at all. */
Test(guard, without_a_bearer_header)
{
	static const char *const none[] = { "", "   ", "Basic YTpi", "Bearerx",
		"Token abc", "JWT a.b.c", "a.b.c" };

	for (size_t i = 0; i < array_len(none); i++)
		expect_refused(none[i], MSG_AUTH_NEEDED, NULL, MSG_NONE);
}

Test(guard, with_no_or_several_tokens)
{
	static const char *const bad[] = { "Bearer", "Bearer ", "Bearer \t ",
		"Bearer a b", "Bearer a.b.c a.b.c" };

	for (size_t i = 0; i < array_len(bad); i++)
		expect_refused(bad[i], MSG_TOKEN_BAD_HEADER,
		    "bad_authorization_header", MSG_NONE);
}

Test(guard, with_a_bad_token)
{
	char *refresh =
	    mem_printf(req.mem, "Bearer %s", issue(TOKEN_REFRESH, HOUR));
	char *old;

	clock_set_for_test((NOW - HOUR) * 1000000);
	old = mem_printf(req.mem, "Bearer %s", issue(TOKEN_ACCESS, HOUR));
	clock_set_for_test(NOW * 1000000);
	expect_refused("Bearer a.b.c", MSG_TOKEN_NOT_VALID, "token_not_valid",
	    MSG_TOKEN_INVALID);
	expect_refused(
	    old, MSG_TOKEN_NOT_VALID, "token_not_valid", MSG_TOKEN_EXPIRED);
	expect_refused(refresh, MSG_TOKEN_NOT_VALID, "token_not_valid",
	    MSG_TOKEN_WRONG_TYPE);
}

static enum err
guard_flags(enum guard guard, bool active, bool verified, bool staff)
{
	struct account account = {
		.active = active, .verified = verified, .staff = staff
	};
	struct route route = { .guard = guard };

	req.problem = NULL;
	req.account = &account;
	req.route = &route;
	return guard_account(&req);
}

static enum err
guard_row(enum guard guard, bool active, bool verified)
{
	return guard_flags(guard, active, verified, false);
}

Test(guard, rows_and_accounts)
{
	cr_expect_eq(guard_row(PUBLIC, false, false), ERR_OK);
	cr_expect_eq(guard_row(LOGGED_IN, true, false), ERR_OK);
	cr_expect_eq(guard_row(LOGGED_IN, true, true), ERR_OK);
	cr_expect_eq(guard_row(LOGGED_IN, false, true), ERR_UNAUTHORIZED);
	cr_expect_str_eq(req.problem->detail_code, "user_inactive");
	cr_expect_eq(guard_row(VERIFIED, true, true), ERR_OK);
	cr_expect_eq(guard_row(VERIFIED, true, false), ERR_UNVERIFIED);
	cr_expect_str_eq(problem_text(&req, &req.problem->list[0]),
	    "User account is not verified");
	cr_expect_eq(guard_row(VERIFIED, false, false), ERR_UNAUTHORIZED);
}

/* A row that names no guard is VERIFIED. */
Test(guard, the_default_is_verified)
{
	cr_expect_eq((enum guard)0, VERIFIED);
}

/* Whose it is is the statement's to say. */
Test(guard, owners_are_verified)
{
	cr_expect_eq(guard_row(OWNER, true, true), ERR_OK);
	cr_expect_eq(guard_row(OWNER, true, false), ERR_UNVERIFIED);
	cr_expect_eq(guard_row(OWNER, false, true), ERR_UNAUTHORIZED);
}

Test(guard, staff_has_the_flag)
{
	cr_expect_eq(guard_flags(STAFF, true, true, true), ERR_OK);
	cr_expect_eq(guard_flags(STAFF, true, true, false), ERR_FORBIDDEN);
	cr_expect_str_eq(problem_text(&req, &req.problem->list[0]),
	    msg_text(LANG_EN, MSG_FORBIDDEN));
	cr_expect_eq(guard_flags(STAFF, true, false, true), ERR_UNVERIFIED);
	cr_expect_eq(guard_flags(STAFF, false, true, true), ERR_UNAUTHORIZED);
}
