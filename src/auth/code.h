/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The six digits that are mailed. The code exists in the mail alone; what is
 * stored is its digest under a key made from the signing key.
 */
#ifndef AUTH_CODE_H
#define AUTH_CODE_H

#include "base/base.h"

#include "base/conf.h"
#include "db/db.h"
#include "http/request.h"

enum code_purpose { CODE_VERIFICATION, CODE_RESET };

#define CODE_SIZE 7 /* six digits and a NUL */

/*
 * Makes a new code, stores its digest (good for 24 hours, a reset's for 15
 * minutes; five tries) and gives the code to be mailed. The one before, if any,
 * is worth nothing from then on. ERR_NOT_FOUND: no such account with
 * that address, to which the code is mailed.
 */
enum err code_issue(TALLOC_CTX *mem, struct db *db, const struct conf *conf,
    int64_t account_id, const char *email, enum code_purpose purpose,
    char code[CODE_SIZE]);

/*
 * Tries a verification code of the caller and marks her account verified. *good
 * is also true for an account that already was. A text that is not six digits
 * (NULL too) is wrong without using up a try. ERR_NOT_FOUND: no such account.
 */
enum err code_verify(struct req *r, const char *code, bool *good);

#endif
