/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Authentication by bearer token, and authorization by the guard of the route.
 */
#ifndef AUTH_GUARD_H
#define AUTH_GUARD_H

#include "base/base.h"

#include "auth/token.h"
#include "http/request.h"

/*
 * Reads the Authorization header. ERR_OK with claims; ERR_UNAUTHORIZED with the
 * error of the contract if it is missing or invalid. Not called for PUBLIC
 * routes, which ignore the header.
 */
enum err guard_token(struct req *r, struct claims *out);

/* Applies route->guard to r->account: inactive 401, unverified or not of the
 * staff 403. */
enum err guard_account(struct req *r);

#endif
