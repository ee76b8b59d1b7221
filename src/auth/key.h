/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys derived from the signing key: each purpose has its own, so that the
 * output for one is useless for another.
 */
#ifndef AUTH_KEY_H
#define AUTH_KEY_H

#include "base/base.h"

#include "auth/token.h"
#include "base/conf.h"

#define KEY_DIGEST_SIZE 32
#define KEY_JTI_SIZE    TOKEN_ID_SIZE

/* The key that signs tokens; points into the settings. */
struct token_key key_of(const struct conf *conf);

/*
 * The stored digest of a mailed code: useless without the signing key. `owner`
 * identifies the account.
 */
void key_code_digest(const struct conf *conf, const char *owner,
    const char *purpose, const char *code, unsigned char out[KEY_DIGEST_SIZE]);

/* The stored digest of a mail address, whatever its case. */
void key_address_digest(const struct conf *conf, const char *email,
    unsigned char out[KEY_DIGEST_SIZE]);

/* The stored digest of a refresh token; its jti is random, so it needs no key.
 */
void key_jti_digest(const char *jti, unsigned char out[KEY_DIGEST_SIZE]);

/*
 * The next jti of a session with rotating refresh tokens. The same for
 * concurrent calls with the same token.
 */
void key_next_jti(const struct conf *conf, const char *session_id,
    const char *jti, char out[KEY_JTI_SIZE]);

#endif
