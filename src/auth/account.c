/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The caller, from the database or from the cache. The packed form has native
 * integers, because only this machine reads it; a version byte distinguishes
 * releases.
 */
#include "base/base.h"

#include "auth/account.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "http/problem.h"
#include "http/route.h"
#include "i18n/msg.h"

#define PACK_VERSION 5

/* The part before the user name. */
struct packed {
	int64_t id, epoch;
	uint8_t version, verified, boarded, active, staff, lang;
	char session_id[TOKEN_ID_SIZE];
	uint8_t unused[1];
};

/* A stored code is always valid, by a constraint of the table. */
static enum lang
lang_of(const struct row *row)
{
	enum lang lang = LANG_EN;
	bool known = lang_parse(row_text(row, "preferred_language"), &lang);

	assert(known);
	return lang;
}

static void
set_name(char out[ACCOUNT_NAME_SIZE], const char *s, size_t n)
{
	assert(n < ACCOUNT_NAME_SIZE);
	memcpy(out, s, n);
	out[n] = '\0';
}

enum err
account_check(struct req *r, enum err e, const struct row *row, enum msg ended,
    const char *token_message)
{
	const char *word;

	if (e == ERR_NOT_FOUND)
		return fail_token(
		    r, MSG_USER_NOT_FOUND, "user_not_found", NULL);
	if (e)
		return e;
	word = row_outcome(row);
	if (strcmp(word, "ok") == 0)
		return ERR_OK;
	if (strcmp(word, "inactive") == 0)
		return fail_token(r, MSG_USER_INACTIVE, "user_inactive", NULL);
	if (strcmp(word, "ended") == 0)
		return fail_token(r, ended, "token_not_valid", token_message);
	log_error("bug: outcome %s of a session has no meaning", word);
	return ERR_INTERNAL;
}

enum err
account_load(struct req *r, const struct claims *claims, struct account **out)
{
	const char *in_path = NULL, *name;
	struct account *a;
	struct row row;
	enum err e;

	if (path_kind(r->route, "username") != PATH_NONE)
		in_path = path_of(r, "username");
	e = query_one(r->mem, r->db, &row, SQL_account_by_session,
	    arg_text(claims->session_id), arg_id(claims->user_id),
	    arg_id(claims->epoch), arg_id(r->conf->access_lifetime),
	    arg_text(in_path));
	e = account_check(r, e, &row, MSG_TOKEN_NOT_VALID,
	    msg_text(r->lang, MSG_TOKEN_INVALID));
	if (e)
		return e;
	a = mem_new(r->mem, struct account);
	a->id = claims->user_id;
	memcpy(a->session_id, claims->session_id, sizeof a->session_id);
	a->epoch = claims->epoch;
	a->verified = row_bool(&row, "verified");
	a->boarded = row_bool(&row, "boarded");
	a->active = true;
	a->staff = row_bool(&row, "staff");
	a->lang = lang_of(&row);
	name = row_text(&row, "username");
	set_name(a->username, name, strlen(name));
	a->renamed = row_bool(&row, "renamed");
	a->former_name = row_bool(&row, "former_name");
	*out = a;
	return ERR_OK;
}

void
account_pack(const struct account *a, struct buf *out)
{
	struct packed p = {
		.id = a->id,
		.epoch = a->epoch,
		.version = PACK_VERSION,
		.verified = a->verified,
		.boarded = a->boarded,
		.active = a->active,
		.staff = a->staff,
		.lang = (uint8_t)a->lang,
	};

	memcpy(p.session_id, a->session_id, sizeof p.session_id);
	buf_add(out, &p, sizeof p);
	buf_puts(out, a->username);
}

bool
account_unpack(TALLOC_CTX *mem, const char *p, size_t n, struct account **out)
{
	struct account *a;
	struct packed from;
	size_t name;

	if (n <= sizeof from)
		return false;
	memcpy(&from, p, sizeof from);
	name = n - sizeof from;
	if (name >= ACCOUNT_NAME_SIZE || memchr(p + sizeof from, '\0', name))
		return false;
	if (from.version != PACK_VERSION || from.lang >= LANG__MAX ||
	    from.session_id[sizeof from.session_id - 1])
		return false;
	a = mem_new(mem, struct account);
	a->id = from.id;
	memcpy(a->session_id, from.session_id, sizeof a->session_id);
	a->epoch = from.epoch;
	a->verified = from.verified;
	a->boarded = from.boarded;
	a->staff = from.staff;
	a->active = from.active;
	a->lang = (enum lang)from.lang;
	set_name(a->username, p + sizeof from, name);
	*out = a;
	return true;
}
