/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is made from the signing key beside tokens: each use has a key of its
 * own, derived from it, so that no output of one is an answer of another.
 */
#ifndef AUTH_KEY_H
#define AUTH_KEY_H

#include "base/base.h"

#include "auth/token.h"
#include "base/conf.h"

#define KEY_DIGEST_SIZE 32
#define KEY_JTI_SIZE    TOKEN_ID_SIZE

/* The key that tokens are signed with; borrowed from the settings. */
struct token_key key_of(const struct conf *conf);

/* What is stored of a mailed code: useless without the signing key. */
void key_code_digest(const struct conf *conf, int64_t account_id,
    const char *purpose, const char *code, unsigned char out[KEY_DIGEST_SIZE]);

/* What is stored of a refresh token. Its jti is random: no key is needed. */
void key_jti_digest(const char *jti, unsigned char out[KEY_DIGEST_SIZE]);

/*
 * The jti that follows in a session whose refresh tokens rotate. The same for
 * all calls that come with the same token, so that they agree.
 */
void key_next_jti(const struct conf *conf, const char *session_id,
    const char *jti, char out[KEY_JTI_SIZE]);

#endif
