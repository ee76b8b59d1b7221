/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions: one row per log-in, with an access and a refresh token. Used by all
 * ways of logging in.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "base/base.h"

#include "http/request.h"

/* The account that logs in, after its password was checked. */
struct session_start {
	int64_t user_id, epoch;
	const char *password;    /* the stored hash that matched */
	const char *replacement; /* the hash to replace it, or NULL */
};

/* The tokens for the client; allocated below the request. */
struct session_tokens {
	const char *access;
	const char *refresh; /* NULL: no new one */
};

/*
 * Starts a session and makes both tokens. ERR_NOT_FOUND, without an error text:
 * the account was changed concurrently.
 */
enum err session_begin(struct req *r, const struct session_start *start,
    struct session_tokens *out);

/*
 * Makes an access token for a refresh token, from the current account, and with
 * rotation also the next refresh token. Else ERR_UNAUTHORIZED with the error of
 * the contract.
 */
enum err session_continue(
    struct req *r, const char *refresh, struct session_tokens *out);

#endif
