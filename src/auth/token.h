/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Access and refresh tokens: JWT, HS256 only. libjwt checks neither expiry nor
 * type nor the expected algorithm; this module does, and is the only one that
 * uses it.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "base/base.h"

#include "i18n/lang.h"

enum token_type { TOKEN_ACCESS, TOKEN_REFRESH };

enum token_verdict { TOKEN_OK, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_WRONG_TYPE };

/* An id of 128 random bits: 32 lower-case hex digits and a NUL. */
#define TOKEN_ID_SIZE 33

struct claims {
	int64_t user_id;
	char session_id[TOKEN_ID_SIZE]; /* claim "sid" */
	int64_t epoch;                  /* claim "epoch" */
	int64_t expires;                /* seconds */
	enum lang lang;
	bool has_lang;
	char jti[TOKEN_ID_SIZE];
};

/* The claims about an account (contract, users 2). */
struct token_facts {
	int64_t user_id, epoch;
	const char *session_id;
	const char *username;
	bool verified, boarded;
	enum lang lang;
};

struct token_key {
	const unsigned char *bytes;
	size_t len; /* at least 32, checked when the settings are read */
};

/* A signed token that expires in `lifetime` seconds; jti is 32 hex digits. */
char *token_issue(TALLOC_CTX *mem, const struct token_key *key,
    enum token_type type, const struct token_facts *facts, int64_t lifetime,
    const char *jti);

/*
 * Checks signature, algorithm, expiry (now in seconds) and type, and reads the
 * claims; user_id may be a number or decimal text.
 */
enum token_verdict token_check(TALLOC_CTX *mem, const struct token_key *key,
    enum token_type type, const char *token, int64_t now, struct claims *out);

#endif
