/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time: both written forms, and the clock that tests may set.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/clock.h"

Test(clock, iso_has_a_fraction_only_when_there_is_one)
{
	char s[CLOCK_ISO_SIZE];

	clock_iso(s, 0);
	cr_assert_str_eq(s, "1970-01-01T00:00:00+00:00");
	clock_iso(s, INT64_C(1772366400123456));
	cr_assert_str_eq(s, "2026-03-01T12:00:00.123456+00:00");
	clock_iso(s, INT64_C(1772366400000001));
	cr_assert_str_eq(s, "2026-03-01T12:00:00.000001+00:00");
	clock_iso(s, INT64_C(1709209295000000)); /* a leap day */
	cr_assert_str_eq(s, "2024-02-29T12:21:35+00:00");
}

Test(clock, iso_knows_the_time_before_1970)
{
	char s[CLOCK_ISO_SIZE];

	clock_iso(s, -1);
	cr_assert_str_eq(s, "1969-12-31T23:59:59.999999+00:00");
}

Test(clock, http_dates)
{
	char s[CLOCK_ISO_SIZE];

	clock_http(s, INT64_C(784111777000000)); /* RFC 9110's example */
	cr_assert_str_eq(s, "Sun, 06 Nov 1994 08:49:37 GMT");
}

Test(clock, ages)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} ages[] = {
		{ INT64_MIN, "0 s" },
		{ -5, "0 s" },
		{ 0, "0 s" },
		{ 119, "119 s" },
		{ 120, "2 min" },
		{ 7199, "119 min" },
		{ 7200, "2 h" },
		{ 172799, "47 h" },
		{ 172800, "2 d" },
		{ INT64_C(86400) * 4000, "4000 d" },
		{ INT64_MAX, "106751991167300 d" },
	};
	char s[CLOCK_AGE_SIZE];

	for (size_t i = 0; i < array_len(ages); i++) {
		clock_age(s, ages[i].seconds);
		cr_expect_str_eq(s, ages[i].text);
	}
}

Test(clock, can_be_set)
{
	clock_set_for_test(42);
	cr_assert_eq(clock_now_us(), 42);
	clock_set_for_test(0);
	cr_assert_gt(clock_now_us(), INT64_C(1700000000000000));
}

Test(clock, the_steady_one_never_goes_back)
{
	int64_t last = clock_steady_us();
	int i;

	for (i = 0; i < 100000; i++) {
		int64_t now = clock_steady_us();

		cr_assert_geq(now, last);
		last = now;
	}
}
