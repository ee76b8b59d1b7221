/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Proving that the mail address is one's own. The code is made by mxm-jobs when
 * it writes the mail (auth/code.h); here it is only tried or asked for.
 */
#include "base/base.h"

#include "api/api.h"
#include "auth/code.h"
#include "http/handlers.h"
#include "users/users.h"

/*
 * A number or null is given, but is no code: only text ever fits. Whoever is
 * verified already is not asked for more.
 */
const struct field verify_input[] = {
	{ "verification_code", FROM_BODY, T_TEXT, REQUIRED | NULLABLE | LENIENT,
	    .max_length = 16 },
	{ 0 },
};

/* Tries a code; an account that is verified already gets success whatever. */
enum err
verify_account(struct req *r)
{
	bool good;
	enum err e;

	e = code_verify(r, input_text(r, "verification_code"), &good);
	if (e == ERR_NOT_FOUND)
		return fail_gone(r);
	if (e)
		return e;
	if (!good)
		return fail(r, ERR_INVALID, NULL, MSG_CODE_WRONG);
	return reply_flag(r, 200, "status");
}

/* Asks for another mail; 429 during the pause after the last time. */
enum err
verify_resend(struct req *r)
{
	struct row row;
	enum msg done = MSG_VERIFICATION_RESENT;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_verification_resend,
	    arg_id(r->account->id));
	if (e == ERR_NOT_FOUND)
		return fail_gone(r);
	if (e)
		return e;
	if (row_bool(&row, "verified"))
		done = MSG_ALREADY_VERIFIED;
	else if (!row_bool(&row, "sent"))
		return fail_retry(r, ERR_TOO_OFTEN, MSG_RESEND_COOLDOWN,
		    row_int(&row, "wait"));
	return reply_text(r, 200, "status", msg_text(r->lang, done));
}
