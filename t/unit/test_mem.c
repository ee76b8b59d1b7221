/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts and allocation.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "base/mem.h"

Test(mem, a_request_takes_everything_with_it)
{
	TALLOC_CTX *worker = mem_need(talloc_named_const(NULL, 0, "worker"));
	size_t before = talloc_total_blocks(worker);
	int round, i;

	for (round = 0; round < 1000; round++) {
		TALLOC_CTX *r = mem_request(worker);

		for (i = 0; i < 50; i++)
			(void)mem_printf(r, "%d", i);
		(void)mem_array(r, int64_t, 10000);
		talloc_free(r);
	}
	cr_assert_eq(talloc_total_blocks(worker), before);
}

Test(mem, new_things_are_zero)
{
	int64_t *list = mem_array(NULL, int64_t, 64);
	int i;

	for (i = 0; i < 64; i++)
		cr_assert_eq(list[i], 0);
}

Test(mem, copies_end)
{
	char *s = mem_textn(NULL, "abcdef", 3);

	cr_assert_str_eq(s, "abc");
	cr_assert_str_eq(mem_textn(NULL, "abc", 0), "");
	cr_assert_str_eq(mem_text(NULL, "x"), "x");
	cr_assert_str_eq(mem_printf(NULL, "%d-%s", 7, "y"), "7-y");
}

Test(mem, no_memory_ends_the_process, .signal = SIGABRT)
{
	(void)mem_need(NULL);
}
