/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account of the caller: profile, language, introduction.
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

/* The caller's profile. */
enum err
user_self(struct req *r)
{
	return reply_one(r, 200, SQL_user_self, self_shape);
}

/* The caller's language, from the account that the guard has loaded. */
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

/* Sets it for all following answers. */
enum err
user_language_set(struct req *r)
{
	const char *code = input_text(r, "preferred_language");
	enum lang lang;

	if (!code || !lang_parse(code, &lang))
		return fail(r, ERR_INVALID, NULL, MSG_LANGUAGE_INVALID);
	bind_arg(r, "preferred_language", arg_text(lang_code(lang)));
	return reply_true(r, SQL_account_set_language, "status");
}

/* Marks the introduction as seen; may be repeated. */
enum err
user_onboarding(struct req *r)
{
	return reply_true(r, SQL_account_set_boarded, "status");
}
