/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removal of the caller's own account. It is inactive at once; mxm-jobs deletes
 * it after the setting removal_delay, until when logging in restores it.
 */
#include "base/base.h"

#include "api/api.h"
#include "auth/password.h"
#include "base/conf.h"
#include "http/handlers.h"
#include "users/users.h"

/* Not required: an account that logs in elsewhere has no password. */
const struct field removal_input[] = {
	{ "password", FROM_BODY, T_TEXT, NULLABLE | SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ 0 },
};

static const struct column removal_shape[] = {
	{ "status", C_BOOL, NULL },
	{ "restorable_until", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

/* An access token is not enough: it may have been copied. */
static enum err
check_proof(struct req *r, const struct row *row)
{
	const char *password = input_text(r, "password");
	bool replace;

	if (!row_bool(row, "has_password"))
		return row_bool(row, "is_recent") ?
			   ERR_OK :
			   fail(r, ERR_INVALID, NULL, MSG_LOGIN_TOO_OLD);
	if (!password)
		return fail(r, ERR_INVALID, "password", MSG_FIELD_REQUIRED);
	if (!password_fits(row_text(row, "password"), password, &replace))
		return fail(r, ERR_INVALID, "password", MSG_PASSWORD_WRONG);
	return ERR_OK;
}

/*
 * Two statements: the hash must be read to be compared. The second one checks
 * that it has not changed in between.
 */
enum err
account_remove(struct req *r)
{
	struct row row;
	enum err e;

	bind_arg(r, "session_id", arg_text(r->account->session_id));
	e = run_one(r, SQL_account_proof, &row);
	if (!e)
		e = check_proof(r, &row);
	if (e)
		return e;
	bind_arg(r, "password_hash", arg_text(row_text(&row, "password")));
	bind_arg(r, "delay", arg_id(r->conf->removal_delay));
	return reply_one(r, 200, SQL_account_remove, removal_shape);
}
