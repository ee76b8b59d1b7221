/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Percent decoding, and query strings as pairs.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "http/params.h"

static const char *
decode(const char *s, bool plus)
{
	return params_decode(NULL, s, strlen(s), plus);
}

static void
parse(const char *query, struct params *out)
{
	params_parse(NULL, query, strlen(query), out);
}

Test(params, decodes)
{
	cr_assert_str_eq(decode("abc", true), "abc");
	cr_assert_str_eq(decode("", true), "");
	cr_assert_str_eq(decode("a+b", true), "a b");
	cr_assert_str_eq(decode("a+b", false), "a+b");
	cr_assert_str_eq(decode("%41%6a%6A", true), "Ajj");
	cr_assert_str_eq(decode("caf%C3%a9", true), "caf\xc3\xa9");
	cr_assert_str_eq(decode("%2525", true), "%25");
}

Test(params, refuses_what_is_no_text)
{
	static const char *const bad[] = { "%", "%4", "%zz", "%4g", "a%", "%00",
		"a%00b", "%ff", "%c0%af", "%ed%a0%80", "\xff", "%f4%90%80%80" };
	size_t i;

	for (i = 0; i < array_len(bad); i++)
		cr_assert_null(decode(bad[i], true), "%s", bad[i]);
}

Test(params, splits)
{
	struct params p;

	parse("a=1&b=2&a=3", &p);
	cr_assert_eq(p.n, 3);
	cr_assert_not(p.bad);
	cr_assert_str_eq(p.list[0].name, "a");
	cr_assert_str_eq(p.list[2].name, "a");
	cr_assert_str_eq(p.list[2].value, "3");
	parse("genres%5B%5D=sci+fi&x=a=b&flag&=v&&", &p);
	cr_assert_eq(p.n, 4);
	cr_assert_str_eq(p.list[0].name, "genres[]");
	cr_assert_str_eq(p.list[0].value, "sci fi");
	cr_assert_str_eq(p.list[1].value, "a=b");
	cr_assert_str_eq(p.list[2].name, "flag");
	cr_assert_str_eq(p.list[2].value, "");
	cr_assert_str_eq(p.list[3].name, "");
	parse("", &p);
	cr_assert_eq(p.n, 0);
	cr_assert_not(p.bad);
}

Test(params, leaves_bad_pairs_out)
{
	struct params p;

	parse("a=%zz&b=2&%ff=x", &p);
	cr_assert(p.bad);
	cr_assert_eq(p.n, 1);
	cr_assert_str_eq(p.list[0].name, "b");
}

Test(params, ends_somewhere)
{
	struct params p;
	struct buf query;
	int i;

	buf_init(&query, NULL, 64);
	for (i = 0; i < PARAMS_MAX; i++)
		buf_puts(&query, "a=1&");
	parse(query.data, &p);
	cr_assert_eq(p.n, PARAMS_MAX);
	cr_assert_not(p.bad);
	buf_puts(&query, "a=1");
	parse(query.data, &p);
	cr_assert_eq(p.n, PARAMS_MAX);
	cr_assert(p.bad);
}

/* Only the given bytes are looked at. */
Test(params, stops_at_the_length)
{
	struct params p;

	params_parse(NULL, "a=%41&b=2", 4, &p);
	cr_assert(p.bad);
	params_parse(NULL, "a=%41&b=2", 5, &p);
	cr_assert_eq(p.n, 1);
	cr_assert_str_eq(p.list[0].value, "A");
}
