/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of accounts: the forms in which they are stored and compared.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "auth/identity.h"
#include "base/mem.h"

static void
expect_email(const char *sent, const char *stored)
{
	cr_assert_str_eq(identity_email(NULL, sent), stored, "%s", sent);
}

Test(identity, email_in_ascii_form)
{
	expect_email("Ana@EXAMPLE.Org", "Ana@example.org");
	expect_email(
	    "user@m\xc3\xbcnchen.example", "user@xn--mnchen-3ya.example");
	expect_email(
	    "user@M\xc3\x9cNCHEN.example", "user@xn--mnchen-3ya.example");
	/* decomposed */
	expect_email(
	    "user@mu\xcc\x88nchen.example", "user@xn--mnchen-3ya.example");
	expect_email(
	    "user@xn--MNCHEN-3ya.example", "user@xn--mnchen-3ya.example");
	/* non-transitional: not "strasse" */
	expect_email("u@stra\xc3\x9f"
		     "e.example",
	    "u@xn--strae-oqa.example");
	/* an ideographic full stop */
	expect_email(
	    "u@\xe4\xbe\x8b\xe5\xad\x90\xe3\x80\x82\xe6\xb5\x8b\xe8\xaf\x95",
	    "u@xn--fsqu00a.xn--0zwm56d");
}

Test(identity, email_without_an_ascii_form)
{
	char longest[8000];

	expect_email("", "");
	expect_email("ana", "ana");
	expect_email("ana@", "ana@");
	expect_email("ana@\xe2\x82\xac\xcc\x81", "ana@\xe2\x82\xac\xcc\x81");
	expect_email("ana@a\xe2\x80\x8e.b", "ana@a\xe2\x80\x8e.b");
	memset(longest, '\xbc', sizeof longest);
	for (size_t i = 2; i < sizeof longest; i += 2)
		longest[i] = '\xc3';
	memcpy(longest, "a@", 2);
	longest[sizeof longest - 2] = '\0';
	expect_email(longest, longest);
}

static bool
look_alike(const char *a, const char *b)
{
	unsigned char look[2][IDENTITY_LOOK_SIZE];

	identity_look(a, look[0]);
	identity_look(b, look[1]);
	return memcmp(look[0], look[1], IDENTITY_LOOK_SIZE) == 0;
}

Test(identity, looks)
{
	cr_assert(look_alike("paypal", "p\xd0\xb0ypal"));
	cr_assert(look_alike("paypal", "paypa1"));
	cr_assert(look_alike("modern", "modem"));
	cr_assert(look_alike("", ""));
	cr_assert_not(look_alike("ana", "Ana"));
	cr_assert_not(look_alike("ana", "anna"));
	cr_assert_not(look_alike("user1", "user2"));
}
