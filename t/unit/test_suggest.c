/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is suggested for a mistyped word, and when nothing is.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/suggest.h"

static const char *const names[] = { "status", "migrate", "listen_fast",
	"listen_slow", "sql" };

static const char *
near(const char *word)
{
	return suggest(word, names, array_len(names));
}

Test(suggest, letters_missing_added_wrong_or_swapped)
{
	cr_assert_str_eq(near("status"), "status");
	cr_assert_str_eq(near("stats"), "status");
	cr_assert_str_eq(near("stattus"), "status");
	cr_assert_str_eq(near("statas"), "status");
	cr_assert_str_eq(near("stauts"), "status");
	cr_assert_str_eq(near("listne_slow"), "listen_slow");
	cr_assert_str_eq(near("sq"), "sql");
}

Test(suggest, nothing_is_near)
{
	char longest[100];

	cr_assert_null(near("frobnicate"));
	cr_assert_null(near("xyz"));
	cr_assert_null(near(""));
	memset(longest, 's', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	cr_assert_null(near(longest));
	cr_assert_null(suggest("status", names, 0));
}

Test(suggest, the_nearer_one_and_of_equals_the_first)
{
	cr_assert_str_eq(near("listen_sloww"), "listen_slow");
	cr_assert_str_eq(near("listen_flow"), "listen_slow");
	cr_assert_str_eq(near("listen_xxst"), "listen_fast");
	cr_assert_str_eq(near("listen_faow"), "listen_fast");
}
