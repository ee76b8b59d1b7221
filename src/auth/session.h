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

/*
 * Starts a session and answers 200 {"refresh", "access"}. ERR_NOT_FOUND and
 * nothing recorded: the account changed meanwhile.
 */
enum err session_begin(struct req *r, const struct session_start *start);

/*
 * Answers 200 {"access"} for a refresh token, with what the database says now;
 * where refresh tokens rotate, also its successor under "refresh". Otherwise
 * ERR_UNAUTHORIZED with the contract's problem.
 */
enum err session_continue(struct req *r, const char *refresh);

#endif
