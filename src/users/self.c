/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One's own account: profile, language, the introduction.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "users/users.h"

const struct field language_input[] = {
	{ "preferred_language", FROM_BODY, T_TEXT, REQUIRED | NULLABLE,
	    .max_length = LENGTH_LANG, .invalid_msg = MSG_LANGUAGE_INVALID },
	{ 0 },
};

enum err
fail_gone(struct req *r)
{
	return fail_token(r, MSG_USER_NOT_FOUND, "user_not_found", NULL);
}

/* Answers after a statement that changed her account, unless it was gone. */
static enum err
changed(struct req *r, enum err e, long rows)
{
	if (e)
		return e;
	if (rows == 0)
		return fail_gone(r);
	return reply_flag(r, 200, "status");
}

/* The caller's profile. */
enum err
user_self(struct req *r)
{
	struct row row;
	enum err e;

	e = query_one(
	    r->mem, r->db, &row, SQL_user_self, arg_id(r->account->id));
	if (e == ERR_NOT_FOUND)
		return fail_gone(r);
	if (e)
		return e;
	return reply_row(r, 200, &row, self_shape);
}

/* Her language; it is part of the account that was loaded for the guard. */
enum err
user_language_get(struct req *r)
{
	struct json *j = reply_json(r, 200);

	json_object(j);
	json_key(j, "preferred_language");
	json_text(j, lang_code(r->account->lang));
	json_object_end(j);
	return reply_done(r, j);
}

/* Sets it, for all answers after this one. */
enum err
user_language_set(struct req *r)
{
	const char *code = input_text(r, "preferred_language");
	enum lang lang;
	long rows = 0;
	enum err e;

	if (!code || !lang_parse(code, &lang))
		return fail(r, ERR_INVALID, NULL, MSG_LANGUAGE_INVALID);
	e = query_exec(r->mem, r->db, &rows, SQL_account_set_language,
	    arg_id(r->account->id), arg_text(lang_code(lang)));
	return changed(r, e, rows);
}

/* She has seen the introduction; saying so twice does no harm. */
enum err
user_onboarding(struct req *r)
{
	long rows = 0;
	enum err e;

	e = query_exec(r->mem, r->db, &rows, SQL_account_set_boarded,
	    arg_id(r->account->id));
	return changed(r, e, rows);
}
