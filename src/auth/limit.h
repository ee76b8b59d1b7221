/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rate limits.
 */
#ifndef AUTH_LIMIT_H
#define AUTH_LIMIT_H

#include "base/base.h"

#include "http/request.h"
#include "http/route.h"

/*
 * Counts a request of `who` against the limit of a class. ERR_TOO_OFTEN, with
 * Retry-After, if there were too many in the last minute; then it is not
 * counted.
 */
enum err limit_count(struct req *r, enum limit_class limit, uint64_t who);

/*
 * Counts the request against every limit of its route: those of an address by
 * the client's, those of an account by `caller` (0 on a PUBLIC route, which has
 * none of these).
 */
enum err limit_request(struct req *r, int64_t caller);

/*
 * The client of an address: for IPv6 its /64 network; an IPv4 address that is
 * written as IPv6 (::ffff:0:0/96, 64:ff9b::/96) is the IPv4 address.
 */
uint64_t limit_address(const char *address);

/* The client that has a refresh token of the session. */
uint64_t limit_session(const char *session_id);

/*
 * Counts a log-in to that name (or mail address), whether it exists or not,
 * from any address. A network with a session of the account (`known`) is
 * counted separately, so that others cannot lock out the owner.
 */
enum err limit_login(struct req *r, const char *name, bool known);

/*
 * The network of an address, as input of PostgreSQL's type cidr: 24 bits of
 * IPv4, 64 of IPv6. NULL: not an address. Allocated below `mem`.
 */
const char *limit_network(TALLOC_CTX *mem, const char *address);

#endif
