/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Issues and checks codes; the attempts are counted by the statements.
 */
#include "base/base.h"

#include "auth/account.h"
#include "auth/code.h"
#include "auth/key.h"
#include "base/random.h"
#include "base/text.h"
#include "db/query.h"

static const struct {
	const char *name; /* as in the table */
	int64_t seconds;
} purposes[] = {
	[CODE_VERIFICATION] = { "verification", 24 * 3600 },
	[CODE_RESET] = { "reset", 15 * 60 },
};

enum err
code_issue(TALLOC_CTX *mem, struct db *db, const struct conf *conf,
    int64_t account_id, const char *email, enum code_purpose purpose,
    char code[CODE_SIZE])
{
	unsigned char digest[KEY_DIGEST_SIZE];
	long rows = 0;
	enum err e;

	random_code(code);
	key_code_digest(conf, account_id, purposes[purpose].name, code, digest);
	e = query_exec(mem, db, &rows, SQL_code_set, arg_id(account_id),
	    arg_text(purposes[purpose].name), arg_bytes(digest, sizeof digest),
	    arg_id(purposes[purpose].seconds), arg_text(email));
	return !e && rows == 0 ? ERR_NOT_FOUND : e;
}

bool
code_digest(struct req *r, const char *code, enum code_purpose purpose,
    unsigned char digest[CODE_DIGEST_SIZE])
{
	code = code ? text_squeeze(r->mem, code) : "";
	if (strlen(code) != CODE_SIZE - 1 || !text_is_digits(code))
		return false;
	key_code_digest(
	    r->conf, r->account->id, purposes[purpose].name, code, digest);
	return true;
}
