/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log-in, refresh of access tokens, and log-out.
 */
#include "base/base.h"

#include "api/api.h"
#include "auth/identity.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/text.h"
#include "http/handlers.h"

const struct field login_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	/* the name or the mail address */
	{ "username", FROM_BODY, T_TEXT,
	    REQUIRED | NOT_BLANK | NORMALIZED | TRIMMED,
	    .max_length = LENGTH_EMAIL },
	{ "password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ 0 },
};

const struct field refresh_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "refresh", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_TOKEN },
	{ 0 },
};

/* Answers with the tokens of a session. */
static enum err
reply_tokens(struct req *r, const struct session_tokens *tokens)
{
	struct json *j = reply_json(r, 200);

	json_object(j);
	if (tokens->refresh) {
		json_key(j, "refresh");
		json_text(j, tokens->refresh);
	}
	json_key(j, "access");
	json_text(j, tokens->access);
	json_object_end(j);
	return reply_done(r, j);
}

/*
 * Finds the row whose hash matches the password, if any. Without a row an
 * unusable hash is checked, so that the time does not reveal whether an account
 * exists.
 */
static bool
find_fitting(const struct rows *rows, const char *password,
    struct session_start *out, bool *replace)
{
	for (int i = 0; i < rows->count; i++) {
		struct row row;

		rows_at(rows, i, &row);
		out->user_id = row_id(&row, "id");
		out->epoch = row_id(&row, "epoch");
		out->password = row_text(&row, "password");
		if (password_fits(out->password, password, replace))
			return true;
	}
	if (rows->count == 0)
		return password_fits("!", password, replace);
	return false;
}

/*
 * Counts the log-in, before a hash is computed. The network must be known to
 * both accounts: one of them may exist to make it known.
 */
static enum err
count_login(struct req *r, const char *name, const struct rows *rows)
{
	bool known = rows->count > 0;

	for (int i = 0; i < rows->count; i++) {
		struct row row;

		rows_at(rows, i, &row);
		known &= row_bool(&row, "known");
	}
	return limit_login(r, name, known);
}

/*
 * Two statements: the hash must be read to be compared before a session is
 * started. The second one checks that nothing has changed in between.
 */
enum err
login_obtain(struct req *r)
{
	const char *password = input_text(r, "password");
	const char *name = input_text(r, "username");
	const char *email = identity_email(r->mem, name);
	struct session_start start = { 0 };
	struct session_tokens tokens;
	struct rows rows;
	bool replace;
	enum err e;

	/* the database folds more than ASCII: U+0130 would be i, and be counted
	 * separately */
	e = query_all(r->mem, r->db, &rows, SQL_account_for_login,
	    arg_text(name), arg_text(text_is_email(email) ? email : NULL),
	    arg_text(limit_network(r->mem, r->address)));
	if (!e)
		e = count_login(r, email, &rows);
	if (e)
		return e;
	if (!find_fitting(&rows, password, &start, &replace))
		return fail(r, ERR_UNAUTHORIZED, NULL, MSG_LOGIN_REFUSED);
	if (replace)
		start.replacement = password_hash(r->mem, password);
	e = session_begin(r, &start, &tokens);
	if (e == ERR_NOT_FOUND)
		return fail(r, ERR_UNAUTHORIZED, NULL, MSG_LOGIN_REFUSED);
	if (e)
		return e;
	return reply_tokens(r, &tokens);
}

/* A new access token. */
enum err
login_refresh(struct req *r)
{
	struct session_tokens tokens;
	enum err e;

	e = session_continue(
	    r, text_trim(r->mem, input_text(r, "refresh")), &tokens);
	if (e)
		return e;
	return reply_tokens(r, &tokens);
}

/* Ends the session of the token only. */
enum err
login_end(struct req *r)
{
	enum err e;

	e = query_exec(r->mem, r->db, NULL, SQL_session_end,
	    arg_text(r->account->session_id), arg_id(r->account->id));
	if (e)
		return e;
	return reply_text(r, 200, "status", msg_text(r->lang, MSG_LOGGED_OUT));
}
