/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rate limits: who is counted, against which setting, and what one who comes
 * too often is told.
 */
#ifndef AUTH_LIMIT_H
#define AUTH_LIMIT_H

#include "base/base.h"

#include "http/request.h"
#include "http/route.h"

/*
 * Counts this request of `who` against a class. ERR_TOO_OFTEN, with
 * Retry-After, when there were too many in the last minute; then it is not
 * counted.
 */
enum err limit_count(struct req *r, enum limit_class limit, uint64_t who);

/*
 * Counts the request against every limit of its route: those of an address by
 * the client's, those of an account by `caller` (0 on a PUBLIC route, which has
 * none of these).
 */
enum err limit_request(struct req *r, int64_t caller);

/* Whom an address is: of IPv6 its network of 64 bits, which is one client's. */
uint64_t limit_address(const char *address);

/*
 * Counts a log-in to that name (or mail address), known or not, wherever it
 * comes from. From a network that has a session of the account's (`known`) the
 * network is counted apart, so that nobody else can lock its owner out.
 */
enum err limit_login(struct req *r, const char *name, bool known);

/*
 * The network of an address, as PostgreSQL's type cidr reads it: 24 bits of
 * IPv4, 64 of IPv6. NULL: it is no address. Belongs to `mem`.
 */
const char *limit_network(TALLOC_CTX *mem, const char *address);

#endif
