/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients are counted by a hash of their account, address or name.
 */
#include "base/base.h"

#include <arpa/inet.h>

#include "auth/limit.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/shm.h"
#include "base/text.h"
#include "http/problem.h"

#define HASH_START 0xcbf29ce484222325u

/* Requests per minute of a class; 0: unlimited. */
static unsigned
limit_of(const struct conf *conf, enum limit_class limit)
{
	switch (limit) {
	case L_PUBLIC:
		return (unsigned)conf->limit_public;
	case L_LOGIN:
		return (unsigned)conf->limit_login;
	case L_CODE:
		return (unsigned)conf->limit_code;
	case L_USER:
		return (unsigned)conf->limit_user;
	case L_NAME:
		return (unsigned)conf->limit_name;
	case L_NONE:
	case L__MAX:
		break;
	}
	return 0;
}

enum err
limit_count(struct req *r, enum limit_class limit, uint64_t who)
{
	unsigned per_minute = limit_of(r->conf, limit);
	int wait;

	if (per_minute == 0 || !r->shm)
		return ERR_OK;
	wait = shm_limit(r->shm, (int)limit, who, per_minute);
	if (wait == 0)
		return ERR_OK;
	return fail_retry(r, ERR_TOO_OFTEN, MSG_THROTTLED, wait);
}

enum err
limit_request(struct req *r, int64_t caller)
{
	/* in the order in which they are counted; the first one that is
	 * exceeded ends it */
	static const struct {
		enum limit_class limit;
		bool of_account;
	} all[] = {
		{ L_PUBLIC, false },
		{ L_LOGIN, false },
		{ L_USER, true },
		{ L_CODE, true },
	};
	uint64_t who;
	enum err e = ERR_OK;
	size_t i;

	for (i = 0; i < array_len(all) && !e; i++) {
		if (!(r->route->limits & LIMIT(all[i].limit)))
			continue;
		assert(caller || !all[i].of_account);
		who = all[i].of_account ? (uint64_t)caller :
					  limit_address(r->address);
		e = limit_count(r, all[i].limit, who);
	}
	return e;
}

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint64_t
hash(uint64_t start, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		start = (start ^ p[i]) * 0x100000001b3u;
	return start;
}

uint64_t
limit_address(const char *address)
{
	struct in6_addr six;

	if (inet_pton(AF_INET6, address, &six) == 1 &&
	    !IN6_IS_ADDR_V4MAPPED(&six))
		return hash(HASH_START, six.s6_addr, 8);
	return hash(HASH_START, address, strlen(address));
}

enum err
limit_login(struct req *r, const char *name, bool known)
{
	const char *folded = text_lower_ascii(r->mem, name);
	const char *network = known ? limit_network(r->mem, r->address) : NULL;
	uint64_t who = hash(HASH_START, folded, strlen(folded));

	if (network)
		who = hash(who, network, strlen(network) + 1);
	return limit_count(r, L_NAME, who);
}

const char *
limit_network(TALLOC_CTX *mem, const char *address)
{
	unsigned char bytes[16] = { 0 };
	char text[INET6_ADDRSTRLEN];
	int family = AF_INET;

	if (inet_pton(AF_INET6, address, bytes) == 1) {
		family = AF_INET6;
		if (IN6_IS_ADDR_V4MAPPED((struct in6_addr *)bytes)) {
			memmove(bytes, bytes + 12, 4);
			family = AF_INET;
		}
	} else if (inet_pton(AF_INET, address, bytes) != 1) {
		return NULL;
	}
	memset(
	    bytes + (family == AF_INET ? 3 : 8), 0, family == AF_INET ? 1 : 8);
	if (!inet_ntop(family, bytes, text, sizeof text))
		return NULL;
	return mem_printf(mem, "%s/%d", text, family == AF_INET ? 24 : 64);
}
