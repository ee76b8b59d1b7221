/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The generations of a request.
 */
#include "base/base.h"

#include "api/depends.h"
#include "base/mem.h"
#include "base/shm.h"
#include "http/route.h"

/* The source of the key of a kind. */
enum key_from { KEY_NONE, KEY_CALLER, KEY_PATH };

static const struct {
	unsigned bit;
	const char *kind;
	enum key_from from;
	const char *param;
} kinds[] = {
	{ ON_ACCOUNT, "account", KEY_CALLER, NULL },
	{ ON_USER, "user", KEY_CALLER, NULL },
	{ ON_FRIENDS, "friends", KEY_CALLER, NULL },
	{ ON_CIRCLE, "circle", KEY_CALLER, NULL },
	{ ON_PROFILE, "profile", KEY_PATH, "username" },
	{ ON_LISTS, "lists", KEY_PATH, "username" },
	{ ON_MOVIE, "movie", KEY_PATH, "movie" },
	{ ON_REVIEWS, "reviews", KEY_PATH, "movie" },
	{ ON_REVIEW, "review", KEY_PATH, "review" },
	{ ON_PERSON, "person", KEY_PATH, "person" },
	{ ON_AWARD, "award", KEY_PATH, "award" },
	{ ON_CATALOGUE, "catalogue", KEY_NONE, NULL },
	{ ON_TREND, "trend", KEY_NONE, NULL },
	{ ON_POPULAR, "popular", KEY_NONE, NULL },
};

_Static_assert(array_len(kinds) <= DEPENDS_MAX, "DEPENDS_MAX is too small");
_Static_assert(DEPENDS_MAX <= SHM_KINDS, "SHM_KINDS is too small");

size_t
depends_list(struct req *r, unsigned on, int64_t caller,
    struct dependence out[DEPENDS_MAX])
{
	const char *id = NULL;
	size_t n = 0, i;

	for (i = 0; i < array_len(kinds); i++) {
		if (!(on & kinds[i].bit))
			continue;
		out[n].number = (int)i;
		out[n].kind = kinds[i].kind;
		out[n].key = "";
		if (kinds[i].from == KEY_PATH)
			out[n].key = path_key(r, kinds[i].param);
		if (kinds[i].from == KEY_CALLER) {
			if (!id)
				id = mem_printf(r->mem, "%" PRId64, caller);
			out[n].key = id;
		}
		n++;
	}
	return n;
}

const char *
depends_kind(int number, unsigned *bit)
{
	if (number < 0 || number >= (int)array_len(kinds))
		return NULL;
	*bit = kinds[number].bit;
	return kinds[number].kind;
}
