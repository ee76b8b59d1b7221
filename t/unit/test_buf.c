/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * struct buf: always terminated, whatever is appended.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"

Test(buf, is_empty_and_terminated_at_first)
{
	struct buf b;

	buf_init(&b, NULL, 0);
	cr_assert_eq(b.len, 0);
	cr_assert_str_eq(b.data, "");
}

Test(buf, grows_past_any_size)
{
	struct buf b;
	size_t i;

	buf_init(&b, NULL, 1);
	for (i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	cr_assert_eq(b.len, 100000);
	for (i = 0; i < 100000; i++)
		cr_assert_eq(b.data[i], (char)('a' + i % 26));
	cr_assert_eq(b.data[b.len], '\0');
}

Test(buf, holds_nul_bytes)
{
	struct buf b;

	buf_init(&b, NULL, 8);
	buf_add(&b, "a\0b", 3);
	buf_add(&b, "", 0);
	cr_assert_eq(b.len, 3);
	cr_assert_eq(memcmp(b.data, "a\0b", 4), 0);
}

Test(buf, prints_at_the_edge_of_its_room)
{
	struct buf b;
	int n;

	for (n = 0; n < 200; n++) {
		buf_init(&b, NULL, 64);
		buf_printf(&b, "%*s|", n, "");
		cr_assert_eq(b.len, (size_t)n + 1);
		cr_assert_eq(b.data[n], '|');
		cr_assert_eq(b.data[b.len], '\0');
	}
}

Test(buf, writes_every_integer)
{
	static const int64_t numbers[] = { 0, 1, -1, 9, 10, -10, INT64_MAX,
		INT64_MIN };
	char want[32];
	struct buf b;
	size_t i;

	for (i = 0; i < array_len(numbers); i++) {
		buf_init(&b, NULL, 0);
		buf_int(&b, numbers[i]);
		snprintf(want, sizeof want, "%" PRId64, numbers[i]);
		cr_assert_str_eq(b.data, want);
	}
}

Test(buf, cuts_back)
{
	struct buf b;

	buf_init(&b, NULL, 0);
	buf_puts(&b, "hello, world");
	buf_cut(&b, 5);
	buf_puts(&b, "!");
	cr_assert_str_eq(b.data, "hello!");
}
