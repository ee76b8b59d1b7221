/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions and their tokens. A refresh token is valid as long as its session
 * has the digest of its jti; an access token does not outlive its session.
 */
#include "base/base.h"

#include "auth/account.h"
#include "auth/key.h"
#include "auth/limit.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "db/query.h"
#include "http/problem.h"
#include "i18n/msg.h"

/* The claims from a row of session_start or session_refresh. */
static void
facts_of(const struct row *row, const char *session_id, struct token_facts *out)
{
	bool known;

	out->user_id = row_id(row, "user_id");
	out->session_id = session_id;
	out->epoch = row_id(row, "epoch");
	out->username = row_text(row, "username");
	out->verified = row_bool(row, "verified");
	out->boarded = row_bool(row, "boarded");
	out->lang = LANG_EN;
	known = lang_parse(row_text(row, "preferred_language"), &out->lang);
	assert(known);
}

/* A new access token and, if it has a jti, a refresh token. */
static void
make_tokens(struct req *r, const struct token_facts *facts, int64_t seconds,
    const char *refresh_jti, struct session_tokens *out)
{
	struct token_key key = key_of(r->conf);
	int64_t access = r->conf->access_lifetime;
	char jti[KEY_JTI_SIZE];

	random_hex(jti, (sizeof jti - 1) / 2);
	if (access > seconds)
		access = seconds;
	out->refresh = NULL;
	if (refresh_jti)
		out->refresh = token_issue(
		    r->mem, &key, TOKEN_REFRESH, facts, seconds, refresh_jti);
	out->access =
	    token_issue(r->mem, &key, TOKEN_ACCESS, facts, access, jti);
}

/* The user agent; NULL if it is missing or invalid. */
static struct arg
client_of(const struct req *r)
{
	const char *name = r->user_agent;

	return *name && text_is_utf8(name, strlen(name)) ? arg_text(name) :
							   arg_null();
}

enum err
session_begin(struct req *r, const struct session_start *start,
    struct session_tokens *out)
{
	unsigned char digest[KEY_DIGEST_SIZE];
	int64_t seconds = r->conf->refresh_lifetime;
	struct token_facts facts;
	char jti[KEY_JTI_SIZE], id[TOKEN_ID_SIZE];
	struct row row;
	enum err e;

	random_hex(id, (sizeof id - 1) / 2);
	random_hex(jti, (sizeof jti - 1) / 2);
	key_jti_digest(jti, digest);
	e = query_one(r->mem, r->db, &row, SQL_session_start,
	    arg_id(start->user_id), arg_id(start->epoch),
	    arg_text(start->password), arg_text(start->replacement),
	    arg_bytes(digest, sizeof digest), arg_id(seconds), client_of(r),
	    arg_text(id), arg_text(limit_network(r->mem, r->address)));
	if (e)
		return e;
	r->account_id = start->user_id;
	facts_of(&row, id, &facts);
	make_tokens(r, &facts, seconds, jti, out);
	return ERR_OK;
}

/* An invalid refresh token; these bodies have no `messages`. */
static enum err
fail_refresh(struct req *r, enum token_verdict verdict)
{
	enum msg msg = MSG_TOKEN_INVALID;

	if (verdict == TOKEN_EXPIRED)
		msg = MSG_TOKEN_EXPIRED;
	if (verdict == TOKEN_WRONG_TYPE)
		msg = MSG_TOKEN_WRONG_TYPE;
	return fail_token(r, msg, "token_not_valid", NULL);
}

/* One statement finds the session, rotates it if wanted, and reads the account.
 */
static enum err
use_refresh(struct req *r, const struct claims *claims, const char *next_jti,
    struct row *row)
{
	unsigned char digest[KEY_DIGEST_SIZE], next[KEY_DIGEST_SIZE];

	key_jti_digest(claims->jti, digest);
	key_jti_digest(next_jti, next);
	return query_one(r->mem, r->db, row, SQL_session_refresh,
	    arg_text(claims->session_id), arg_id(claims->user_id),
	    arg_id(claims->epoch), arg_bytes(digest, sizeof digest),
	    r->conf->refresh_rotation ? arg_bytes(next, sizeof next) :
					arg_null(),
	    arg_id(r->conf->refresh_lifetime));
}

/*
 * A page refreshes once for each of its requests, and ends its session if that
 * is refused; so tokens that are valid are counted by session, as the requests
 * of an account, and only others by address.
 */
static enum err
count_refresh(struct req *r, enum token_verdict verdict, const struct claims *c)
{
	if (verdict == TOKEN_OK)
		return limit_count(r, L_USER, limit_session(c->session_id));
	return limit_count(r, L_PUBLIC, limit_address(r->address));
}

enum err
session_continue(struct req *r, const char *refresh, struct session_tokens *out)
{
	struct token_key key = key_of(r->conf);
	char next_jti[KEY_JTI_SIZE];
	enum token_verdict verdict;
	struct token_facts facts;
	struct claims claims;
	struct row row;
	enum err e;

	verdict = token_check(r->mem, &key, TOKEN_REFRESH, refresh,
	    clock_now_us() / 1000000, &claims);
	e = count_refresh(r, verdict, &claims);
	if (e)
		return e;
	if (verdict != TOKEN_OK)
		return fail_refresh(r, verdict);
	key_next_jti(r->conf, claims.session_id, claims.jti, next_jti);
	e = use_refresh(r, &claims, next_jti, &row);
	if (!e && row_bool(&row, "reused")) {
		log_field("MXM_ACCOUNT_ID", "%" PRId64, claims.user_id);
		log_event(LOG_LEVEL_WARNING, EVENT_TOKEN_REUSED,
		    "session %s of account %" PRId64
		    " was ended: a refresh token that had been replaced "
		    "was used",
		    claims.session_id, claims.user_id);
	}
	e = account_check(r, e, &row, MSG_TOKEN_INVALID, NULL);
	if (e)
		return e;
	r->account_id = claims.user_id;
	facts_of(&row, claims.session_id, &facts);
	make_tokens(r, &facts, row_id(&row, "seconds"),
	    row_bool(&row, "rotated") ? next_jti : NULL, out);
	return ERR_OK;
}
