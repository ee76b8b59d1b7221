/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Randomness: forms and bounds, and that it is not obviously none.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/random.h"

Test(random, codes_are_six_digits_and_differ)
{
	char code[7], first[7];
	int i, same = 0;

	random_code(first);
	for (i = 0; i < 1000; i++) {
		random_code(code);
		cr_assert_eq(strlen(code), 6);
		cr_assert_eq(strspn(code, "0123456789"), 6);
		same += strcmp(code, first) == 0;
	}
	cr_assert_lt(same, 20);
}

/* Expected 1000 each; 200 off would be more than six deviations. */
Test(random, below_is_uniform)
{
	int count[10] = { 0 }, i;

	for (i = 0; i < 10000; i++) {
		uint32_t n = random_below(10);

		cr_assert_lt(n, 10);
		count[n]++;
	}
	for (i = 0; i < 10; i++)
		cr_assert(
		    count[i] > 800 && count[i] < 1200, "%d: %d", i, count[i]);
	cr_assert_eq(random_below(1), 0);
}

Test(random, hex_fills_its_room)
{
	char text[33];

	random_hex(text, 16);
	cr_assert_eq(strlen(text), 32);
	cr_assert_eq(strspn(text, "0123456789abcdef"), 32);
}

Test(random, bytes_do_not_repeat)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	random_bytes(a, sizeof a);
	random_bytes(b, sizeof b);
	cr_assert_neq(memcmp(a, b, sizeof a), 0);
}
