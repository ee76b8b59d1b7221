/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parses the Authorization header as the original's framework does (contract,
 * users 1.1), and applies the guard of a route.
 */
#include "base/base.h"

#include <strings.h>

#include "auth/account.h"
#include "auth/guard.h"
#include "auth/key.h"
#include "auth/memo.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "i18n/msg.h"

#define BLANKS " \t"

/* The message for each error of a token. */
static enum msg
verdict_msg(enum token_verdict verdict)
{
	switch (verdict) {
	case TOKEN_EXPIRED:
		return MSG_TOKEN_EXPIRED;
	case TOKEN_WRONG_TYPE:
		return MSG_TOKEN_WRONG_TYPE;
	default:
		return MSG_TOKEN_INVALID;
	}
}

/* The token of "Bearer <token>", or the error of the header. */
static enum err
bearer_token(struct req *r, char **out)
{
	const char *s = r->authorization + strspn(r->authorization, BLANKS);
	size_t scheme = strcspn(s, BLANKS), n;

	if (scheme != strlen("Bearer") || strncasecmp(s, "Bearer", scheme) != 0)
		return fail(r, ERR_UNAUTHORIZED, NULL, MSG_AUTH_NEEDED);
	s += scheme;
	s += strspn(s, BLANKS);
	n = strcspn(s, BLANKS);
	if (n == 0 || s[n + strspn(s + n, BLANKS)] != '\0')
		return fail_token(
		    r, MSG_TOKEN_BAD_HEADER, "bad_authorization_header", NULL);
	*out = mem_textn(r->mem, s, n);
	return ERR_OK;
}

enum err
guard_token(struct req *r, struct claims *out)
{
	struct token_key key = key_of(r->conf);
	int64_t now = clock_now_us() / 1000000;
	enum token_verdict verdict;
	char *token = NULL;
	enum err e;

	e = bearer_token(r, &token);
	if (e)
		return e;
	if (memo_find(r->memo, token, now, out))
		return ERR_OK;
	verdict = token_check(r->mem, &key, TOKEN_ACCESS, token, now, out);
	if (verdict == TOKEN_OK) {
		memo_keep(r->memo, token, out);
		return ERR_OK;
	}
	return fail_token(r, MSG_TOKEN_NOT_VALID, "token_not_valid",
	    msg_text(r->lang, verdict_msg(verdict)));
}

enum err
guard_account(struct req *r)
{
	if (r->route->guard == PUBLIC)
		return ERR_OK;
	assert(r->account);
	if (!r->account->active)
		return fail_token(r, MSG_USER_INACTIVE, "user_inactive", NULL);
	if (r->route->guard != LOGGED_IN && !r->account->verified)
		return fail(r, ERR_UNVERIFIED, NULL, MSG_UNVERIFIED);
	if (r->route->guard == STAFF && !r->account->staff)
		return fail(r, ERR_FORBIDDEN, NULL, MSG_FORBIDDEN);
	return ERR_OK;
}
