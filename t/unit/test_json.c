/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON emitter: commas, escapes, numbers that read back.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>

#include "base/json.h"

static struct buf out;
static struct json j;

static void
begin(void)
{
	buf_init(&out, NULL, 0);
	json_init(&j, &out);
}

TestSuite(json, .init = begin);

Test(json, sets_commas_and_brackets)
{
	json_object(&j);
	json_key(&j, "a");
	json_int(&j, 1);
	json_key(&j, "b");
	json_list(&j);
	json_text(&j, "x");
	json_null(&j);
	json_object(&j);
	json_object_end(&j);
	json_list(&j);
	json_list_end(&j);
	json_list_end(&j);
	json_key(&j, "c");
	json_bool(&j, true);
	json_object_end(&j);
	cr_assert_str_eq(
	    out.data, "{\"a\":1,\"b\":[\"x\",null,{},[]],\"c\":true}");
	cr_assert_eq(j.depth, 0);
}

Test(json, escapes_what_must_be)
{
	static const char odd[] = "q\" b\\ n\n r\r t\t nul\0 bell\a del\x7f /";

	json_textn(&j, odd, sizeof odd - 1);
	cr_assert_str_eq(out.data,
	    "\"q\\\" b\\\\ n\\n r\\r t\\t nul\\u0000 bell\\u0007 del\x7f /\"");
}

Test(json, leaves_other_letters_alone)
{
	json_text(&j, "Amélie 🍿");
	cr_assert_str_eq(out.data, "\"Amélie 🍿\"");
}

Test(json, escapes_keys_too)
{
	json_object(&j);
	json_key(&j, "a\"b");
	json_null(&j);
	json_object_end(&j);
	cr_assert_str_eq(out.data, "{\"a\\\"b\":null}");
}

Test(json, a_missing_text_is_null)
{
	json_text(&j, NULL);
	cr_assert_str_eq(out.data, "null");
}

Test(json, doubles_read_back)
{
	static const double numbers[] = { 0, 1, -1, 0.1, 4.1, 1.0 / 3, 1e300,
		5e-324, 123456789.125, 0.30000000000000004 };
	size_t i;

	for (i = 0; i < array_len(numbers); i++) {
		begin();
		json_double(&j, numbers[i]);
		cr_assert(strtod(out.data, NULL) == numbers[i], "%s", out.data);
	}
	begin();
	json_double(&j, 4.1);
	cr_assert_str_eq(out.data, "4.1");
}

Test(json, what_is_no_number_is_null)
{
	json_list(&j);
	json_double(&j, (double)NAN);
	json_double(&j, (double)INFINITY);
	json_list_end(&j);
	cr_assert_str_eq(out.data, "[null,null]");
}

Test(json, more_ends_than_begins_is_a_bug, .signal = SIGABRT)
{
	json_list_end(&j);
}
