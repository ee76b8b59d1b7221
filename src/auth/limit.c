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

#define HASH_START     0xcbf29ce484222325u
#define ADDRESS_FACTOR 10 /* accounts behind one address */

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
	case L_SEARCH:
		return (unsigned)conf->limit_search;
	case L_WRITE:
		return (unsigned)conf->limit_write;
	case L_NONE:
	case L__MAX:
		break;
	}
	return 0;
}

/* Counts against a multiple of the limit. */
static enum err
count(struct req *r, enum limit_class limit, uint64_t who, unsigned factor)
{
	unsigned per_minute = limit_of(r->conf, limit) * factor;
	int wait;

	if (per_minute == 0 || !r->shm)
		return ERR_OK;
	wait = shm_limit(r->shm, (int)limit, who, per_minute);
	if (wait == 0)
		return ERR_OK;
	return fail_retry(r, ERR_TOO_OFTEN, MSG_THROTTLED, wait);
}

enum err
limit_count(struct req *r, enum limit_class limit, uint64_t who)
{
	return count(r, limit, who, 1);
}

enum err
limit_request(struct req *r, int64_t caller)
{
	/* in the order in which they are counted; the first one that is
	 * exceeded ends it */
	static const struct {
		enum limit_class limit;
		bool of_account;
		unsigned factor;
	} all[] = {
		{ L_PUBLIC, false, 1 },
		{ L_LOGIN, false, 1 },
		{ L_USER, true, 1 },
		{ L_CODE, true, 1 },
		{ L_SEARCH, true, 1 },
		{ L_SEARCH, false, ADDRESS_FACTOR },
		{ L_WRITE, true, 1 },
		{ L_WRITE, false, ADDRESS_FACTOR },
	};
	unsigned limits = r->route->limits;
	uint64_t who;
	enum err e = ERR_OK;
	size_t i;

	for (i = 0; i < array_len(all) && !e; i++) {
		if (!(limits & LIMIT(all[i].limit)))
			continue;
		assert(caller || !all[i].of_account);
		who = all[i].of_account ? (uint64_t)caller :
					  limit_address(r->address);
		e = count(r, all[i].limit, who, all[i].factor);
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

/* An IPv4 address in IPv6: mapped, or of a translator (RFC 6052). */
static bool
has_four(const unsigned char six[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char translated[12] = { 0, 0x64, 0xff, 0x9b };

	return memcmp(six, mapped, 12) == 0 || memcmp(six, translated, 12) == 0;
}

/*
 * The bytes of an address: 4, also of an IPv4 address written as IPv6, or 16;
 * 0: not an address.
 */
static size_t
address_bytes(const char *address, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, address, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return 0;
	if (!has_four(bytes))
		return 16;
	memmove(bytes, bytes + 12, 4);
	return 4;
}

uint64_t
limit_address(const char *address)
{
	unsigned char bytes[16];
	size_t n = address_bytes(address, bytes);

	if (n == 0)
		return hash(HASH_START, address, strlen(address));
	return hash(HASH_START, bytes, n == 4 ? 4 : 8);
}

uint64_t
limit_session(const char *session_id)
{
	return hash(HASH_START, session_id, strlen(session_id));
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
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];
	size_t n = address_bytes(address, bytes);
	bool four = n == 4;

	if (n == 0)
		return NULL;
	memset(bytes + (four ? 3 : 8), 0, four ? 1 : 8);
	if (!inet_ntop(four ? AF_INET : AF_INET6, bytes, text, sizeof text))
		return NULL;
	return mem_printf(mem, "%s/%d", text, four ? 24 : 64);
}
