/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords: argon2id (libsodium), hashes in Django's pbkdf2_sha256 form
 * accepted and replaced, and the rules for new ones.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/base.h"

#include "i18n/msg.h"

/* argon2id, 19 MiB, two passes (OWASP's minimum). Some 20 ms of CPU. */
char *password_hash(TALLOC_CTX *mem, const char *password);

/*
 * Does `password` fit `stored`? *replace is set when the stored form is older
 * or weaker than what password_hash() makes. An unusable hash ("!…", empty,
 * unknown form) fits nothing and costs as much time as a real one.
 */
bool password_fits(const char *stored, const char *password, bool *replace);

/* What a person may not use in her password (any may be NULL). */
struct password_owner {
	const char *username, *first_name, *last_name, *email;
};

struct password_fault {
	enum msg msg;
	const char *arg; /* {0}: the name of the attribute, or the length */
};

/*
 * The four rules of the contract (users 4.1) in their order; fills at most 4
 * faults and returns how many.
 */
size_t password_faults(TALLOC_CTX *mem, const char *password,
    const struct password_owner *owner, enum lang lang,
    struct password_fault out[4]);

#endif
