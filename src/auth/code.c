/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Issues and checks codes; the attempts are counted by the statements.
 */
#include "base/base.h"

#include "auth/account.h"
#include "auth/code.h"
#include "auth/key.h"
#include "base/mem.h"
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

/* The owner in a digest: known before the account is, for a reset. */
static const char *
owner_of(TALLOC_CTX *mem, enum code_purpose purpose, int64_t account_id,
    const char *email)
{
	if (purpose == CODE_RESET)
		return text_lower_ascii(mem, email);
	return mem_printf(mem, "%" PRId64, account_id);
}

enum err
code_issue(TALLOC_CTX *mem, struct db *db, const struct conf *conf,
    int64_t account_id, const char *email, enum code_purpose purpose,
    char code[CODE_SIZE])
{
	unsigned char digest[KEY_DIGEST_SIZE];
	long rows = 0;
	enum err e;

	random_code(code);
	key_code_digest(conf, owner_of(mem, purpose, account_id, email),
	    purposes[purpose].name, code, digest);
	e = query_exec(mem, db, &rows, SQL_code_set, arg_id(account_id),
	    arg_text(purposes[purpose].name), arg_bytes(digest, sizeof digest),
	    arg_id(purposes[purpose].seconds), arg_text(email));
	return !e && rows == 0 ? ERR_NOT_FOUND : e;
}

static bool
digest_of(struct req *r, const char *owner, enum code_purpose purpose,
    const char *code, unsigned char digest[CODE_DIGEST_SIZE])
{
	code = code ? text_squeeze(r->mem, code) : "";
	if (strlen(code) != CODE_SIZE - 1 || !text_is_digits(code))
		return false;
	key_code_digest(r->conf, owner, purposes[purpose].name, code, digest);
	return true;
}

bool
code_digest(
    struct req *r, const char *code, unsigned char digest[CODE_DIGEST_SIZE])
{
	return digest_of(r,
	    owner_of(r->mem, CODE_VERIFICATION, r->account->id, NULL),
	    CODE_VERIFICATION, code, digest);
}

bool
code_reset_digest(struct req *r, const char *email, const char *code,
    unsigned char digest[CODE_DIGEST_SIZE])
{
	return digest_of(r, owner_of(r->mem, CODE_RESET, 0, email), CODE_RESET,
	    code, digest);
}
