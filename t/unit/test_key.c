/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys: what is told apart, and that nothing of a request shows in them.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "cache/key.h"

static struct cache *
pool(const char *servers)
{
	return cache_new(NULL, servers);
}

static bool
same(const struct cache_key *a, const struct cache_key *b)
{
	return strcmp(a->text, b->text) == 0;
}

Test(key, is_plain_and_short)
{
	struct cache *c = pool("/a");
	char longest[5000];
	const char *parts[] = { "a b\r\nset x", "\xc3\xa9", longest };
	struct cache_key k;
	const char *p;

	memset(longest, 'z', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	key_make(c, &k, "answer", parts, array_len(parts));
	cr_assert_eq(strlen(k.text), 23);
	for (p = k.text; *p; p++)
		cr_assert(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				 "qrstuvwxyz0123456789-_",
		    *p));
	talloc_free(c);
}

Test(key, is_the_same_for_the_same)
{
	struct cache *c = pool("/a"), *d = pool("/a");
	const char *parts[] = { "1", "2" };
	struct cache_key k, l;

	key_make(c, &k, "n", parts, 2);
	key_make(d, &l, "n", parts, 2);
	cr_assert(same(&k, &l));
	talloc_free(c);
	talloc_free(d);
}

Test(key, tells_parts_apart)
{
	static const char *const lists[][4] = {
		{ NULL },
		{ "" },
		{ "", "" },
		{ "ab" },
		{ "a", "b" },
		{ "ab", "" },
		{ "", "ab" },
		{ "b", "a" },
	};
	struct cache *c = pool("/a");
	struct cache_key k[array_len(lists) + 1];
	size_t i, j, n;

	for (i = 0; i < array_len(lists); i++) {
		for (n = 0; lists[i][n]; n++)
			;
		key_make(c, &k[i], "n", lists[i], n);
	}
	key_make(c, &k[i], "na", (const char *const[]){ "b" }, 1);
	for (i = 0; i < array_len(k); i++)
		for (j = 0; j < i; j++)
			cr_assert(!same(&k[i], &k[j]), "%zu and %zu", i, j);
	talloc_free(c);
}

Test(key, depends_on_the_pool)
{
	struct cache *c = pool("/a"), *d = pool("/a,/b"), *e = pool("/b,/a");
	struct cache_key k, l, m;

	key_generation(c, &k, "user", "7");
	key_generation(d, &l, "user", "7");
	key_generation(e, &m, "user", "7");
	cr_assert(!same(&k, &l) && !same(&k, &m) && !same(&l, &m));
	cr_assert_str_neq(cache_pool_digest(c), cache_pool_digest(d));
	talloc_free(c);
	talloc_free(d);
	talloc_free(e);
}

Test(key, generations_have_kinds)
{
	struct cache *c = pool("/a");
	struct cache_key k, l, m;

	key_generation(c, &k, "user", "7");
	key_generation(c, &l, "account", "7");
	key_make(c, &m, "user", (const char *const[]){ "7" }, 1);
	cr_assert(!same(&k, &l) && !same(&k, &m));
	talloc_free(c);
}
