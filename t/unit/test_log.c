/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log: one line an event, levels, the request's id.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "base/log.h"

static char text[8192];
static int saved, ends[2];

/* Standard error into a pipe. */
static void
begin(void)
{
	(void)unsetenv("JOURNAL_STREAM");
	cr_assert_eq(pipe(ends), 0);
	saved = dup(STDERR_FILENO);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	log_open("tester", LOG_LEVEL_INFO);
}

static const char *
what_was_written(void)
{
	ssize_t n;

	cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
	close(ends[1]);
	n = read(ends[0], text, sizeof text - 1);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

TestSuite(log, .init = begin);

Test(log, names_level_and_program)
{
	log_warn("a %s", "thing");
	cr_assert_not_null(strstr(what_was_written(), " warning tester["));
	cr_assert_not_null(strstr(text, "a thing\n"));
}

Test(log, leaves_out_what_is_less_important)
{
	log_debug("not logged at this level");
	log_info("but this");
	what_was_written();
	cr_assert_null(strstr(text, "nobody"));
	cr_assert_not_null(strstr(text, "but this"));
	cr_assert(log_wants(LOG_LEVEL_INFO));
	cr_assert_not(log_wants(LOG_LEVEL_DEBUG));
}

Test(log, carries_the_request)
{
	log_request("abc-123", NULL);
	log_info("one");
	log_request(NULL, NULL);
	log_info("two");
	what_was_written();
	cr_assert_not_null(strstr(text, "[abc-123] one"));
	cr_assert_null(strstr(text, "[abc-123] two"));
}

Test(log, a_line_stays_a_line)
{
	log_info("first\nsecond\rthird");
	what_was_written();
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
	cr_assert_null(strchr(text, '\r'));
}

/* Characters that show a line other than it is, by what stands beside them. */
Test(log, a_line_is_what_it_looks_like)
{
	log_info("a\u202Eb\u2066c\u200Bd\u2028e\u061Cf\xc2\x85g\uFEFFh\x7fi");
	what_was_written();
	cr_assert_not_null(strstr(text, "a?b?c?d?e?f?g?h?i\n"), "%s", text);
}

Test(log, words_of_any_language_stay)
{
	const char *words =
	    "Amélie… “Å” — ﻋ 千と千尋 \u200A\u2010\u2030 🎬 Ü\xff";

	log_info("%s", words);
	log_info("\xe2");
	log_info("\xe2\x80");
	what_was_written();
	cr_assert_not_null(strstr(text, words), "%s", text);
	cr_assert_not_null(strstr(text, "\xe2\x80\n"));
}

Test(log, a_line_too_long_is_cut)
{
	char *long_one = malloc(9000);

	memset(long_one, 'x', 8999);
	long_one[8999] = '\0';
	log_info("%s", long_one);
	what_was_written();
	cr_assert_eq(strlen(text), 4096);
	cr_assert_eq(text[4095], '\n');
	free(long_one);
}
