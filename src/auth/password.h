/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords: argon2id (libsodium), hashes in Django's pbkdf2_sha256 form
 * accepted and replaced, and the rules for new ones.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/base.h"

#include "i18n/msg.h"

/* Of its NFC form. argon2id, 19 MiB, two passes (OWASP's minimum). Some 20 ms
 * of CPU. */
char *password_hash(TALLOC_CTX *mem, const char *password);

/*
 * Whether `password` matches `stored`, in NFC form or as it is. *replace is set
 * if the stored hash is older or weaker than those of password_hash(). An
 * unusable hash ("!…", empty, unknown format) matches nothing and takes as much
 * time as a real one.
 */
bool password_fits(const char *stored, const char *password, bool *replace);

/* What the password must not be similar to (any may be NULL). */
struct password_owner {
	const char *username, *first_name, *last_name, *email;
};

struct password_fault {
	enum msg msg;
	const char *arg; /* {0}: the name of the attribute, or the length */
};

/*
 * Checks the four rules of the contract (users 4.1) in order; fills at most 4
 * faults and returns their number.
 */
size_t password_faults(TALLOC_CTX *mem, const char *password,
    const struct password_owner *owner, enum lang lang,
    struct password_fault out[4]);

#endif
