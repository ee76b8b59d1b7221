/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forgotten passwords. Whether an account has the mail address cannot be
 * learned from these answers or from their time: attempts and mails are counted
 * by address, both statements do the same work for any address, and mxm-jobs
 * finds out whether there is a mail to send.
 */
#include "base/base.h"

#include "api/api.h"
#include "auth/code.h"
#include "auth/identity.h"
#include "auth/password.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "users/fields.h"

const struct field password_forgot_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "email", FROM_QUERY, T_TEXT, REQUIRED | NOT_BLANK | TRIMMED,
	    .max_length = LENGTH_EMAIL },
	{ 0 },
};

/* A code that is not text is wrong, as in verify_input. */
const struct field password_reset_input[] = {
	{ "lang", FROM_QUERY, T_TEXT, LENIENT, .max_length = LENGTH_LANG },
	{ "email", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | TRIMMED,
	    .max_length = LENGTH_EMAIL },
	{ "forgot_password_code", FROM_BODY, T_TEXT,
	    REQUIRED | NULLABLE | LENIENT, .max_length = LENGTH_CODE },
	{ "new_password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = LENGTH_PASSWORD },
	{ 0 },
};

/* Binds the address of the request, as it is stored, and its digest. */
static const char *
bind_address(struct req *r)
{
	const char *email = identity_email(r->mem, input_text(r, "email"));
	unsigned char *digest =
	    mem_array(r->mem, unsigned char, KEY_DIGEST_SIZE);

	key_address_digest(r->conf, email, digest);
	bind_arg(r, "email", arg_text(email));
	bind_arg(r, "address", arg_bytes(digest, KEY_DIGEST_SIZE));
	return email;
}

/* Requests a mail with a code; 429 during the interval after the last one. */
enum err
password_forgot(struct req *r)
{
	struct row row;
	enum err e;

	if (!field_check_email(r, bind_address(r)))
		return ERR_INVALID;
	e = run_one(r, SQL_password_request, &row);
	if (e)
		return e;
	r->answer.cache_control = "no-store";
	return reply_text(r, 200, "status", msg_text(r->lang, MSG_RESET_SENT));
}

/*
 * The rules of sign-up, with the names of the account. The right code remains
 * valid if the password is refused.
 */
static bool
check_password(struct req *r, const struct row *account)
{
	const struct password_owner owner = { row_text(account, "username"),
		row_text(account, "first_name"), row_text(account, "last_name"),
		row_text(account, "email") };

	return field_check_password(
	    r, "new_password", input_text(r, "new_password"), &owner);
}

/*
 * Sets a new password with the mailed code. Two statements: the code is checked
 * and counted before the password, whose hash is stored by the second one.
 */
enum err
password_reset(struct req *r)
{
	const char *email = bind_address(r);
	const char *code = input_text(r, "forgot_password_code");
	unsigned char digest[CODE_DIGEST_SIZE];
	struct row row;
	enum err e;

	bind_arg(r, "digest",
	    code_reset_digest(r, email, code, digest) ?
		arg_bytes(digest, sizeof digest) :
		arg_null());
	e = run_one(r, SQL_password_try, &row);
	if (e)
		return e;
	if (!check_password(r, &row))
		return ERR_INVALID;
	bind_arg(r, "user_id", arg_id(row_id(&row, "id")));
	bind_arg(r, "password",
	    arg_text(password_hash(r->mem, input_text(r, "new_password"))));
	e = run_one(r, SQL_password_reset, &row);
	if (e)
		return e;
	return reply_text(r, 200, "status", msg_text(r->lang, MSG_RESET_DONE));
}
