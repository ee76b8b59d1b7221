/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * traceparent, with the examples of the recommendation and of its test suite.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/trace.h"

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define OWN  "0123456789abcdef0123456789abcdef"

Test(trace, a_valid_header_is_continued)
{
	static const struct {
		const char *header;
		bool sampled;
	} valid[] = {
		{ "00-" ID "-" SPAN "-01", true },
		{ "00-" ID "-" SPAN "-00", false },
		{ "00-" ID "-" SPAN "-ff", true },
		{ "00-" ID "-" SPAN "-02", false },
		/* later versions */
		{ "cc-" ID "-" SPAN "-01", true },
		{ "cc-" ID "-" SPAN "-01-what-the-future-will-be-like", true },
		{ "01-" ID "-" SPAN "-01-", true },
	};
	char parent[TRACE_PARENT_SIZE];
	struct trace t;

	for (size_t i = 0; i < array_len(valid); i++) {
		trace_begin(&t, valid[i].header, OWN);
		cr_assert(t.given, "%s", valid[i].header);
		cr_assert_eq(t.sampled, valid[i].sampled);
		cr_assert_str_eq(t.id, ID);
		cr_assert_eq(strlen(t.span), 16);
		cr_assert_str_neq(t.span, SPAN);
		trace_parent(&t, parent);
		cr_assert_eq(strlen(parent), TRACE_PARENT_SIZE - 1);
		trace_begin(&t, parent, OWN);
		cr_assert(t.given && strcmp(t.id, ID) == 0);
	}
}

Test(trace, an_invalid_header_begins_a_new_one)
{
	static const char *const invalid[] = { NULL, "", "00", "00-",
		"00-" ID "-" SPAN, "00-" ID "-" SPAN "-",
		"00-" ID "-" SPAN "-0", "00-" ID "-" SPAN "-1g",
		"00-" ID "-" SPAN "-001", "00-" ID "-" SPAN "-01-",
		"00-" ID "-" SPAN "-01-more", "00-" ID "-" SPAN "-01 ",
		" 00-" ID "-" SPAN "-01",
		"00-" ID "-" SPAN "-01, 00-" ID "-" SPAN "-01",
		"cc-" ID "-" SPAN "-01.what-the-future-will-not-be-like",
		"ff-" ID "-" SPAN "-01", "0-" ID "-" SPAN "-01",
		"000-" ID "-" SPAN "-01", "FF-" ID "-" SPAN "-01",
		"00-" ID "0-" SPAN "-01", "00-" ID "-0" SPAN "-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-" ID "-00F067AA0BA902B7-01",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" ID "-0000000000000000-01", "00-" ID "_" SPAN "-01",
		"00_" ID "-" SPAN "-01", "00-" ID "-" SPAN "_01",
		"00-'*/;DROP TABLE movie--aaaaaaa-" SPAN "-01" };
	struct trace t;

	for (size_t i = 0; i < array_len(invalid); i++) {
		trace_begin(&t, invalid[i], OWN);
		cr_assert_not(t.given, "%s", invalid[i]);
		cr_assert_not(t.sampled);
		cr_assert_str_eq(t.id, OWN);
		cr_assert_str_eq(t.span, "");
	}
}

Test(trace, its_id_is_that_of_the_request_or_random)
{
	static const char *const others[] = { "", "abc", OWN "0",
		"00000000000000000000000000000000",
		"0123456789ABCDEF0123456789abcdef" };
	struct trace t, again;

	for (size_t i = 0; i < array_len(others); i++) {
		trace_begin(&t, NULL, others[i]);
		trace_begin(&again, NULL, others[i]);
		cr_assert_eq(strlen(t.id), 32);
		cr_assert_eq(strspn(t.id, "0123456789abcdef"), 32);
		cr_assert_str_neq(t.id, again.id);
	}
}
