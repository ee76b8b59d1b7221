/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The forms in which names of accounts are stored and compared.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include "base/base.h"

/*
 * A mail address as it is stored and looked up: the domain is converted to its
 * ASCII form (IDNA2008, mapped by UTS 46, non-transitional) in lower case; the
 * part before the @ is not changed. A domain that has no such form, and a text
 * without an @, are returned unchanged; text_is_email() refuses them.
 */
char *identity_email(TALLOC_CTX *mem, const char *email);

#define IDENTITY_LOOK_SIZE 16

/*
 * What a user name looks like: a digest of its skeleton (Unicode TS 39), which
 * names that can be confused have in common. Names that differ only in case
 * look different, because they are different names.
 */
void identity_look(const char *username, unsigned char out[IDENTITY_LOOK_SIZE]);

#endif
