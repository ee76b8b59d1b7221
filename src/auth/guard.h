/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may pass: the bearer token is read, and the route's guard applied.
 */
#ifndef AUTH_GUARD_H
#define AUTH_GUARD_H

#include "base/base.h"

#include "auth/token.h"
#include "http/request.h"

/*
 * Reads the Authorization header. ERR_OK with claims; ERR_UNAUTHORIZED with
 * the contract's problem when there is none or it is no good. Not called for
 * PUBLIC routes: those ignore the header.
 */
enum err guard_token(struct req *r, struct claims *out);

/* Applies route->guard to r->account: inactive 401, unverified or not of the
 * staff 403. */
enum err guard_account(struct req *r);

#endif
