/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions: one row for each client that logged in, and the two tokens that
 * speak for it. Every way of logging in ends here.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "base/base.h"

#include "http/request.h"

/* Who logs in, as the password was checked. */
struct session_start {
	int64_t user_id, epoch;
	const char *password;    /* the stored hash that fitted */
	const char *replacement; /* what to store instead, or NULL */
};

/* What the client is sent; the texts belong to the request. */
struct session_tokens {
	const char *access;
	const char *refresh; /* NULL: no new one */
};

/*
 * Starts a session and makes both its tokens. ERR_NOT_FOUND and nothing
 * recorded: the account changed meanwhile.
 */
enum err session_begin(struct req *r, const struct session_start *start,
    struct session_tokens *out);

/*
 * Makes an access token for a refresh token, from what the database has now,
 * and where refresh tokens rotate also the next refresh token. Otherwise
 * ERR_UNAUTHORIZED with the contract's problem.
 */
enum err session_continue(
    struct req *r, const char *refresh, struct session_tokens *out);

#endif
