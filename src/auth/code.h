/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mailed codes of six digits. A code exists only in the mail; its keyed digest
 * is stored, with a key derived from the signing key.
 */
#ifndef AUTH_CODE_H
#define AUTH_CODE_H

#include "base/base.h"

#include "auth/key.h"
#include "base/conf.h"
#include "db/db.h"
#include "http/request.h"

enum code_purpose { CODE_VERIFICATION, CODE_RESET };

#define CODE_SIZE        7 /* six digits and a NUL */
#define CODE_DIGEST_SIZE KEY_DIGEST_SIZE

/*
 * Generates a code, stores its digest (valid for 24 hours, for a reset 15
 * minutes; five attempts) and returns the code to be mailed. It replaces the
 * previous code. ERR_NOT_FOUND: no such account with that address.
 */
enum err code_issue(TALLOC_CTX *mem, struct db *db, const struct conf *conf,
    int64_t account_id, const char *email, enum code_purpose purpose,
    char code[CODE_SIZE]);

/*
 * The digest of a verification code sent by the caller, as stored; white space
 * around and inside it, as of a code that was pasted, is ignored. false: the
 * text is not six digits (or NULL).
 */
bool code_digest(
    struct req *r, const char *code, unsigned char digest[CODE_DIGEST_SIZE]);

/* The same of a code that resets the password of the account with `email`. */
bool code_reset_digest(struct req *r, const char *email, const char *code,
    unsigned char digest[CODE_DIGEST_SIZE]);

#endif
