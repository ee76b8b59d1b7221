/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text: UTF-8, numbers, slugs, names and addresses, markup.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/text.h"

#define IS_UTF8(s) text_is_utf8((s), sizeof(s) - 1)

Test(text, utf8_as_rfc_3629_has_it)
{
	cr_assert(IS_UTF8(""));
	cr_assert(IS_UTF8("Amélie \xf0\x9f\x8d\xbf"));
	cr_assert(IS_UTF8("\xf4\x8f\xbf\xbf"));     /* U+10FFFF */
	cr_assert_not(IS_UTF8("\xf4\x90\x80\x80")); /* beyond */
	cr_assert_not(IS_UTF8("\xc0\xaf"));         /* overlong */
	cr_assert_not(IS_UTF8("\xe0\x80\x80"));
	cr_assert_not(IS_UTF8("\xed\xa0\x80")); /* surrogate */
	cr_assert_not(IS_UTF8("\xff"));
	cr_assert_not(IS_UTF8("\xc3")); /* cut off */
	cr_assert_not(IS_UTF8("\x80"));
	cr_assert_not(IS_UTF8("a\0b"));
}

Test(text, length_counts_code_points)
{
	cr_assert_eq(text_length(""), 0);
	cr_assert_eq(text_length("Amélie"), 6);
	cr_assert_eq(text_length("\xf0\x9f\x8d\xbf"), 1);
}

Test(text, blank_and_trim_know_unicode_spaces)
{
	cr_assert(text_is_blank(""));
	cr_assert(text_is_blank(" \t\r\n\xc2\xa0\xe2\x80\x83\xe3\x80\x80"));
	cr_assert_not(text_is_blank(" x "));
}

Test(text, invisible_characters)
{
	static const char *const invisible[] = { "\u200b", "\u3164", "\u115f",
		"\u00ad", "\ufeff", "\u202e", "\u2800", "\ufe0f", "\U000e0041",
		"\U000e0100", "\u034f", "\u2060", "\u200d", "\u2028", "\u180e",
		"\uffa0", "\u2065", "\ufff0", "\U000e0000", "\U000e0fff" };

	for (size_t i = 0; i < array_len(invisible); i++) {
		char text[16];

		snprintf(text, sizeof(text), " %s\n", invisible[i]);
		cr_assert(text_is_invisible(text), "%zu", i);
		snprintf(text, sizeof(text), "%s.", invisible[i]);
		cr_assert_not(text_is_invisible(text), "%zu", i);
	}
	cr_assert_str_eq(text_trim(NULL, "\xe3\x80\x80 a b \n"), "a b");
	cr_assert_str_eq(text_trim(NULL, "  "), "");
	cr_assert_str_eq(
	    text_squeeze(NULL, " 12\xc2\xa0 34\t\xc3\xa9 "), "1234\xc3\xa9");
}

Test(text, numbers_fit_or_are_refused)
{
	int64_t n = 7;

	cr_assert(text_to_int64("-9223372036854775808", &n));
	cr_assert_eq(n, INT64_MIN);
	cr_assert(text_to_int64("+12", &n));
	cr_assert_eq(n, 12);
	cr_assert_not(text_to_int64("9223372036854775808", &n));
	cr_assert_not(text_to_int64("", &n));
	cr_assert_not(text_to_int64("-", &n));
	cr_assert_not(text_to_int64("1 ", &n));
	cr_assert_not(text_to_int64("0x10", &n));
	cr_assert_not(text_to_int64("1.5", &n));
	cr_assert_eq(n, 12);
}

Test(text, digits_are_ascii)
{
	cr_assert(text_is_digits("0"));
	cr_assert(text_is_digits("0123456789"));
	cr_assert_not(text_is_digits(""));
	cr_assert_not(text_is_digits("-1"));
	cr_assert_not(text_is_digits("²"));
	cr_assert_not(text_is_digits("99999999999999999999"));
}

Test(text, slugs)
{
	cr_assert_str_eq(text_slug(NULL, "  Best of  Amélie -- 2001!  "),
	    "best-of-amelie-2001");
	cr_assert_str_eq(text_slug(NULL, "_-a_b-_"), "a_b");
	cr_assert_str_eq(text_slug(NULL, "Жизнь"), "");
	cr_assert_str_eq(text_slug_unicode(NULL, "Жизнь и 7"), "жизнь-и-7");
}

Test(text, user_names)
{
	char longest[152];

	cr_assert(text_is_username("ana"));
	cr_assert(text_is_username("a.b@c+d-e_f"));
	cr_assert(text_is_username("Ñandú7"));
	cr_assert_not(text_is_username(""));
	cr_assert_not(text_is_username("a b"));
	cr_assert_not(text_is_username("a/b"));
	cr_assert_not(text_is_username("a\nb"));
	memset(longest, 'a', sizeof longest);
	longest[150] = '\0';
	cr_assert(text_is_username(longest));
	longest[150] = 'a';
	longest[151] = '\0';
	cr_assert_not(text_is_username(longest));
}

Test(text, addresses)
{
	cr_assert(text_is_email("ana@example.org"));
	cr_assert(text_is_email("a.b+c@sub.example.co"));
	cr_assert_not(text_is_email("ana"));
	cr_assert_not(text_is_email("ana@"));
	cr_assert_not(text_is_email("@example.org"));
	cr_assert_not(text_is_email("ana@localhost"));
	cr_assert(text_is_sender("ana@localhost"));
	cr_assert(text_is_sender("ana@example.org"));
	cr_assert_not(text_is_sender("ana@"));
	cr_assert_not(text_is_sender("ana@127.0.0.1"));
	cr_assert_not(text_is_sender("ana@localhost\r\nBcc: x@example.org"));
	cr_assert_not(text_is_email("a@b@example.org"));
	cr_assert_not(text_is_email("a b@example.org"));
	cr_assert_not(text_is_email("ana@example.org\r\nBcc: x@example.org"));
	cr_assert_not(text_is_email("ana@-example.org"));
	cr_assert_not(text_is_email(".ana@example.org"));
}

Test(text, url_encoding)
{
	cr_assert_str_eq(text_url_encode(NULL, "aZ0-._~"), "aZ0-._~");
	cr_assert_str_eq(text_url_encode(NULL, "é/ ?&"), "%C3%A9%2F%20%3F%26");
}

Test(text, markup_is_guarded_and_comes_back)
{
	static const char *const texts[] = { "", "a < b", "<b>x</b>", "<!--",
		"<?x", "1<2", "<", "<<a", "é<é" };
	size_t i;

	cr_assert_str_eq(text_markup_guard(NULL, "<b>x</b>"),
	    "<\xe2\x81\xa0"
	    "b>x<\xe2\x81\xa0/b>");
	cr_assert_str_eq(text_markup_guard(NULL, "a < b <3"), "a < b <3");
	for (i = 0; i < array_len(texts); i++) {
		char *guarded = text_markup_guard(NULL, texts[i]);

		cr_assert_str_eq(text_markup_undo(NULL, guarded), texts[i]);
	}
}

Test(text, nfkc)
{
	cr_assert_str_eq(text_nfkc(NULL, "ﬁ①"), "fi1");
	cr_assert_str_eq(text_nfkc(NULL, "e\xcc\x81"), "é");
}

/* Counting joiners makes guard and undo exact opposites, whatever is there. */
Test(text, markup_with_joiners_of_its_own)
{
	static const char *const texts[] = { "<\xe2\x81\xa0"
					     "b>",
		"<\xe2\x81\xa0\xe2\x81\xa0/", "<\xe2\x81\xa0 ", "<\xe2\x81\xa0",
		"<\xe2\x81", "<<!", "<\xe2\x81\xa0<a" };
	size_t i;

	for (i = 0; i < array_len(texts); i++) {
		char *guarded = text_markup_guard(NULL, texts[i]);

		cr_assert_str_eq(text_markup_undo(NULL, guarded), texts[i]);
	}
	/* what a client sends unguarded stays as it is */
	cr_assert_str_eq(text_markup_undo(NULL, "<b>"), "<b>");
}

Test(text, slugs_of_other_scripts_and_signs)
{
	cr_assert_str_eq(text_slug(NULL, "Straße & Łódź"), "strae-odz");
	cr_assert_str_eq(text_slug(NULL, "a\xc2\xa0\xe3\x80\x80 b"), "a-b");
	cr_assert_str_eq(text_slug(NULL, "½ ﬁ ²"), "12-fi-2");
	cr_assert_str_eq(text_slug(NULL, "--__--"), "");
	cr_assert_str_eq(text_slug(NULL, ""), "");
	cr_assert_str_eq(text_slug(NULL, "don't stop!?"), "dont-stop");
	cr_assert_str_eq(text_slug_unicode(NULL, "ÉCOLE № 7"), "école-no-7");
	cr_assert_str_eq(text_slug_unicode(NULL, "君の名は。"), "君の名は");
	cr_assert_str_eq(text_slug_unicode(NULL, "🍿🍿"), "");
}

Test(text, a_slug_of_a_slug_is_the_same)
{
	static const char *const texts[] = { "The Matrix (1999)", "Amélie",
		"WALL·E", "_x_", "8½" };
	size_t i;

	for (i = 0; i < array_len(texts); i++) {
		char *once = text_slug(NULL, texts[i]);
		char *all = text_slug_unicode(NULL, texts[i]);

		cr_assert_str_eq(text_slug(NULL, once), once);
		cr_assert_str_eq(text_slug_unicode(NULL, all), all);
	}
}

Test(text, user_names_of_many_scripts)
{
	char *longest = talloc_zero_array(NULL, char, 304);
	int i;

	cr_assert(text_is_username("жизнь"));
	cr_assert(text_is_username("映画"));
	cr_assert(text_is_username("_"));
	cr_assert(text_is_username("a\xcc\x81")); /* a mark */
	cr_assert_not(text_is_username("\xcc\x81"));
	cr_assert_not(text_is_username("a.\xcc\x81"));
	cr_assert_not(text_is_username("a\xe1\x85\x9f")); /* a filler */
	cr_assert(text_is_name("Ana L\xc3\xb3pez"));
	cr_assert(text_is_name(""));
	cr_assert(text_is_name("\xdb\x8c\xe2\x80\x8c\xd8\xb1"));
	cr_assert_not(text_is_name("\xdb\x8c\xe2\x80\x8c"));
	cr_assert_not(text_is_name("a\xe2\x80\x8c"
				   "b"));
	cr_assert_not(text_is_name("a\xff")); /* a mark by itself */
	cr_assert_not(text_is_username("🍿"));
	cr_assert_not(text_is_username("a\xe2\x80\x8b")); /* no width */
	cr_assert_not(text_is_username("a#b"));
	cr_assert_not(text_is_username("a\xff"));
	for (i = 0; i < 150; i++)
		memcpy(longest + 2 * (size_t)i, "é", 2);
	cr_assert(text_is_username(longest));
	memcpy(longest + 300, "é", 2);
	cr_assert_not(text_is_username(longest));
}

Test(text, the_longest_addresses)
{
	char local[66], domain[300];
	size_t i;

	memset(local, 'a', 65);
	local[65] = '\0';
	cr_assert_not(
	    text_is_email(talloc_asprintf(NULL, "%s@example.org", local)));
	local[64] = '\0';
	cr_assert(
	    text_is_email(talloc_asprintf(NULL, "%s@example.org", local)));
	for (i = 0; i < 250; i++)
		domain[i] = i % 60 == 59 ? '.' : 'd';
	memcpy(domain + 245, ".org", 5);
	cr_assert(text_is_email(talloc_asprintf(NULL, "abcd@%s", domain)));
	cr_assert_not(
	    text_is_email(talloc_asprintf(NULL, "abcdefg@%s", domain)));
}

Test(text, addresses_that_look_right)
{
	cr_assert(text_is_email("o'neil!#$%&*+-/=?^_`{|}~@example.org"));
	cr_assert(text_is_email("a@1.example"));
	cr_assert_not(text_is_email("a@1.2.3.4"));
	cr_assert_not(text_is_email("a..b@example.org"));
	cr_assert_not(text_is_email("a.@example.org"));
	cr_assert_not(text_is_email("a@example..org"));
	cr_assert_not(text_is_email("a@example.org."));
	cr_assert_not(text_is_email("a@exa_mple.org"));
	cr_assert_not(text_is_email("\"a b\"@example.org"));
	cr_assert_not(text_is_email("a@[127.0.0.1]"));
	cr_assert_not(text_is_email("aé@example.org"));
	cr_assert_not(text_is_email("a@example.org "));
	cr_assert_not(text_is_email(""));
	cr_assert_not(text_is_email("@"));
}
