/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verification of the mail address. mxm-jobs generates the code when it writes
 * the mail (auth/code.h); here it is checked or requested again.
 */
#include "base/base.h"

#include "api/api.h"
#include "auth/code.h"
#include "http/handlers.h"
#include "users/users.h"

/*
 * A number or null is present, but not a code: only text can match. A verified
 * account needs no code.
 */
const struct field verify_input[] = {
	{ "verification_code", FROM_BODY, T_TEXT, REQUIRED | NULLABLE | LENIENT,
	    .max_length = LENGTH_CODE },
	{ 0 },
};

/* Checks a code; for a verified account any code is a success. */
enum err
verify_account(struct req *r)
{
	unsigned char digest[CODE_DIGEST_SIZE];
	const char *code = input_text(r, "verification_code");
	bool is_code = code_digest(r, code, digest);

	bind_arg(r, "digest",
	    is_code ? arg_bytes(digest, sizeof digest) : arg_null());
	return reply_true(r, SQL_account_verify, "status");
}

/* Requests another mail; 429 during the interval after the last one. */
enum err
verify_resend(struct req *r)
{
	struct row row;
	enum msg done = MSG_VERIFICATION_RESENT;
	enum err e;

	e = run_one(r, SQL_verification_resend, &row);
	if (e)
		return e;
	if (strcmp(row_outcome(&row), "unchanged") == 0)
		done = MSG_ALREADY_VERIFIED;
	return reply_text(r, 200, "status", msg_text(r->lang, done));
}
