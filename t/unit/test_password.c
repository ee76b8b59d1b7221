/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords: hashing, hashes of a Django database, and the rules for new ones.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "auth/common.h"
#include "auth/password.h"
#include "base/mem.h"

/* "Correct-Horse-42" as Django 4.2 stored it, with 1000 iterations. */
#define DJANGO                                       \
	"pbkdf2_sha256$1000$Zm9vYmFyc2FsdDEyMzQ1Ng$" \
	"F5VFa7RziGmwCMMoiyRHfDsJN5FY3z0N0oz2tqcqWgQ="

static TALLOC_CTX *mem;

static void
begin(void)
{
	mem_init();
	mem = talloc_new(NULL);
}

static void
end(void)
{
	talloc_free(mem);
}

TestSuite(password, .init = begin, .fini = end);

Test(password, own_hash_fits_and_stays)
{
	char *h = password_hash(mem, "Correct-Horse-42");
	bool replace = true;

	cr_expect_eq(
	    strncmp(h, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0, "%s", h);
	cr_expect(password_fits(h, "Correct-Horse-42", &replace));
	cr_expect_not(replace);
	cr_expect_not(password_fits(h, "Correct-Horse-43", &replace));
	cr_expect_not(password_fits(h, "", &replace));
	cr_expect_str_neq(h, password_hash(mem, "Correct-Horse-42"));
}

Test(password, longer_than_any_buffer)
{
	char *p = talloc_size(mem, 100001), *h;
	bool replace;

	memset(p, 'p', 100000);
	p[100000] = '\0';
	h = password_hash(mem, p);
	cr_expect(password_fits(h, p, &replace));
	p[99999] = 'q';
	cr_expect_not(password_fits(h, p, &replace));
}

Test(password, weaker_costs_are_replaced)
{
	/* argon2id of "Correct-Horse-42" with 8 MiB and one pass */
	static const char weak[] =
	    "$argon2id$v=19$m=8192,t=1,p=1$cptSS3cSTyyVnysTZjW0sA$+QcnycV8nUcqbCaZhLVtccvOMU4ydWm3qnUijXcXRa4";
	bool replace = false;

	cr_expect(password_fits(weak, "Correct-Horse-42", &replace));
	cr_expect(replace);
}

Test(password, django_hash_fits_and_is_replaced)
{
	bool replace = false;

	cr_expect(password_fits(DJANGO, "Correct-Horse-42", &replace));
	cr_expect(replace);
	cr_expect_not(password_fits(DJANGO, "Correct-Horse-43", &replace));
}

Test(password, unusable_hashes_fit_nothing)
{
	static const char *const bad[] = {
		"",
		"!",
		"!abcdef",
		"x",
		"$argon2",
		"$argon2id$v=19$m=1",
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		"md5$a$b",
		"pbkdf2_sha256$",
		"pbkdf2_sha256$1000",
		"pbkdf2_sha256$1000$",
		"pbkdf2_sha256$1000$salt",
		"pbkdf2_sha256$1000$salt$",
		"pbkdf2_sha256$1000$salt$!!!!",
		"pbkdf2_sha256$1000$salt$aGFz",
		"pbkdf2_sha256$0$salt$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"pbkdf2_sha256$-5$salt$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"pbkdf2_sha256$1000$$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"pbkdf2_sha256$99999999999999999999$salt$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"pbkdf2_sha256$4000000000$salt$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"pbkdf2_sha256$1000$salt$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=x",
		"pbkdf2_sha1$1000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	};
	bool replace;

	for (size_t i = 0; i < array_len(bad); i++) {
		cr_expect_not(
		    password_fits(bad[i], "", &replace), "%s", bad[i]);
		cr_expect_not(
		    password_fits(bad[i], bad[i], &replace), "%s", bad[i]);
	}
}

/* ---------------------------------------------------------------- rules */

static const struct password_owner ana = { "ana.lopez", "Ana", "L\xc3\xb3pez",
	"ana.lopez@example.org" };

/* Which rules are broken: S similar, L length, C common, N numeric. */
static const char *
broken(const char *password, const struct password_owner *owner)
{
	static const struct {
		enum msg msg;
		char letter;
	} letters[] = {
		{ MSG_PASSWORD_SIMILAR, 'S' },
		{ MSG_PASSWORD_SHORT, 'L' },
		{ MSG_PASSWORD_COMMON, 'C' },
		{ MSG_PASSWORD_NUMERIC, 'N' },
	};
	struct password_fault fault[4];
	size_t n = password_faults(mem, password, owner, LANG_EN, fault);
	char *out = talloc_zero_size(mem, 5);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < array_len(letters); k++) {
			if (letters[k].msg == fault[i].msg)
				out[i] = letters[k].letter;
		}
	}
	return out;
}

Test(password, all_rules_in_their_order)
{
	const struct password_owner o = { "123456", "", NULL, "" };

	cr_expect_str_eq(broken("123456", &o), "SLCN");
	cr_expect_str_eq(broken("Popcorn-at-nine-42", &ana), "");
	cr_expect_str_eq(broken("7402918365", &ana), "N");
	cr_expect_str_eq(broken("Zx8#kk2Lm", &ana), "L");
	cr_expect_str_eq(broken("Zx8#kk2Lmq", &ana), "");
	cr_expect_str_eq(broken("", &ana), "L");
}

Test(password, length_counts_code_points)
{
	cr_expect_str_eq(broken("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac"
				"\xc3\xa9\xc3\xa8\xc3\xa7\xc3\xb1",
			     &ana),
	    "L", "nine of them, eighteen bytes and more");
	cr_expect_str_eq(broken("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac"
				"\xc3\xa9\xc3\xa8\xc3\xa7\xc3\xb1\xc3\xa0",
			     &ana),
	    "");
}

Test(password, arguments_of_the_texts)
{
	struct password_fault f[4];

	cr_assert_eq(password_faults(mem, "anna.lopez", &ana, LANG_DE, f), 1);
	cr_expect_eq(f[0].msg, MSG_PASSWORD_SIMILAR);
	cr_expect_str_eq(f[0].arg, msg_text(LANG_DE, MSG_NAME_USERNAME));
	cr_assert_eq(password_faults(mem, "Zx8#kk", &ana, LANG_EN, f), 1);
	cr_expect_eq(f[0].msg, MSG_PASSWORD_SHORT);
	cr_expect_str_eq(f[0].arg, "10");
}

/* Verdicts of Django's UserAttributeSimilarityValidator for the same input. */
static const struct {
	const char *password, *username, *first, *last, *email;
	enum msg name; /* MSG_NONE: not similar */
} similar[] = {
	{ "ana.lopez!!", "ana.lopez", "Ana", "Gomez", "ana@example.org",
	    MSG_NAME_USERNAME },
	{ "zepol.ana", "ana.lopez", "", "", "", MSG_NAME_USERNAME },
	{ "xxLOPEZxx", "nobody", "Ana", "Lopez", "q@w.de", MSG_NAME_LAST_NAME },
	{ "lopez-42x", "nobody", "Ana", "Lopez", "q@w.de", MSG_NAME_LAST_NAME },
	{ "lopez-42", "nobody", "Ana", "Lopez", "q@w.de", MSG_NAME_LAST_NAME },
	{ "example.org1", "nobody", "Ana", "Lopez", "zq@example.org",
	    MSG_NAME_EMAIL },
	{ "my-example-pw", "nobody", "A", "L", "zq@example.org",
	    MSG_NAME_EMAIL },
	{ "examples", "nobody", "A", "L", "zq@example.org", MSG_NAME_EMAIL },
	{ "completely other 77", "ana.lopez", "Ana", "Lopez", "ana@example.org",
	    MSG_NONE },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a", "a", "a", "a@b.cd",
	    MSG_NONE },
	{ "abab", "ab", "", "", "", MSG_NONE },
	{ "abc", "ab", "", "", "", MSG_NAME_USERNAME },
	{ "abcd", "ab", "", "", "", MSG_NONE },
	{ "a", "a", "", "", "", MSG_NAME_USERNAME },
	{ "MAR\xc3\x8d"
	  "A-JOS\xc3\x89",
	    "x1",
	    "mar\xc3\xad"
	    "a jos\xc3\xa9",
	    "", "q@w.de", MSG_NAME_FIRST_NAME },
	{ "\xc3\x96ZG\xc3\x9cR\xc3\x96ZG\xc3\x9cR", "x1", "\xc3\xb6zg\xc3\xbcr",
	    "", "q@w.de", MSG_NONE },
	{ "\xc3\xb6zg\xc3\xbcr12", "x1", "\xc3\x96ZG\xc3\x9cR", "", "q@w.de",
	    MSG_NAME_FIRST_NAME },
	{ "jean_luc_x", "x1", "jean_luc", "", "q@w.de", MSG_NAME_FIRST_NAME },
	{ "jeanluc", "x1", "jean-luc", "", "q@w.de", MSG_NAME_FIRST_NAME },
	{ "jean", "x1", "jean-luc", "", "q@w.de", MSG_NAME_FIRST_NAME },
	{ "moc.elpmaxe@ana", "zz", "zz", "zz", "ana@example.com",
	    MSG_NAME_EMAIL },
	{ "a@b", "zz", "zz", "zz", "a@b", MSG_NAME_EMAIL },
	{ "anaanaanaana", "ana", "Lu", "Bo", "x@y.de", MSG_NONE },
	{ "lopezlopezlopez", "nobody", "Ana", "Lopez", "q@w.de", MSG_NONE },
	{ "0123456789", "x", "y", "z", "0123456@w.de", MSG_NAME_EMAIL },
	{ "longlonglongusername", "longlonglonguser", "", "", "",
	    MSG_NAME_USERNAME },
};

Test(password, similarity_is_djangos)
{
	for (size_t i = 0; i < array_len(similar); i++) {
		const struct password_owner o = { similar[i].username,
			similar[i].first, similar[i].last, similar[i].email };
		struct password_fault f[4];
		size_t n =
		    password_faults(mem, similar[i].password, &o, LANG_EN, f);
		const char *want =
		    similar[i].name ? msg_text(LANG_EN, similar[i].name) : NULL;

		if (n > 0 && f[0].msg == MSG_PASSWORD_SIMILAR)
			cr_expect(want && strcmp(want, f[0].arg) == 0,
			    "%s: similar to the %s", similar[i].password,
			    f[0].arg);
		else
			cr_expect_null(want, "%s: should be similar to the %s",
			    similar[i].password, want ? want : "");
	}
}

/* --------------------------------------------------------------- common */

static const char *const common[] = {
	"password",
	"password1",
	"password123",
	"password1234",
	"PASSWORD123",
	"Password123!",
	"p@ssw0rd123",
	"P@$$w0rd!1",
	"passw0rd1234",
	"passwordpassword",
	"drowssap99",
	"1password1",
	"qwertyuiop",
	"qwerty12345",
	"qwerty123456",
	"1q2w3e4r5t",
	"q1w2e3r4t5y6",
	"1qaz2wsx3edc",
	"qazwsxedcrfv",
	"zxcvbnm123",
	"asdfghjkl1",
	"1234qwerasdf",
	"iloveyou123",
	"iloveyou!!",
	"1234567890",
	"0987654321",
	"9876543210",
	"123123123123",
	"12345-67890",
	"1111111111",
	"aaaaaaaaaa",
	"abcabcabcabc",
	"abcdefghij",
	"abcdefgh1234",
	"abcd123456",
	"letmein12345",
	"letmein123",
	"welcome2024",
	"sunshine123",
	"superman123",
	"football2020",
	"basketball",
	"basketball1",
	"administrator",
	"enterprise",
	"alexander1",
	"manchester1",
	"liverpool123",
	"princess2001",
	"starwars77",
	"Dragon!2023",
	"monkey123456",
	"computer1!",
	"changeme123",
	"trustno1trustno1",
	"hahahahaha",
	"blueblueblue",
};

static const char *const fine[] = {
	"Popcorn-at-nine-42",
	"correct horse battery staple",
	"correcthorsebattery",
	"tr0ub4dor&3-x",
	"blue-Kettle-42-moon",
	"Zx8#kk2Lmq",
	"movies4everyone!",
	"JustAnotherDay1",
	"mylongpassphrase",
	"gr\xc3\xbc"
	"nerTee am Morgen",
	"n3v3r-g0nna-g1v3",
	"seven purple lanterns",
	"kJ7-wq2-PL9-zz4",
	"wonderful48213",
	"rainyTuesdayCinema",
	"k2m9xq7w4b",
	"El perro de San Roque",
	"\xd0\xba\xd0\xbe\xd1\x82\xd0\xb8\xd0\xba"
	"\xd0\xb8 \xd0\xb8 \xd1\x81\xd0\xbe\xd0\xb1\xd0\xb0\xd0\xba\xd0\xb8",
	"thequickbrownfox",
	"4 weddings & a movie",
	"Xyz!Zyx?Yxz#",
	"number12345 is mine",
};

Test(password, common_ones_are_told)
{
	cr_assert(common_dictionary_is_there(common_dictionary()),
	    "no %s: run update-cracklib", common_dictionary());
	for (size_t i = 0; i < array_len(common); i++)
		cr_expect(
		    common_password(mem, NULL, common[i]), "%s", common[i]);
}

Test(password, good_ones_pass)
{
	for (size_t i = 0; i < array_len(fine); i++)
		cr_expect_not(
		    common_password(mem, NULL, fine[i]), "%s", fine[i]);
}

Test(password, without_a_dictionary_the_worst_still_count)
{
	static const char none[] = "/nowhere/cracklib_dict";

	cr_expect_not(common_dictionary_is_there(none));
	cr_expect(common_password(mem, none, "password1234"));
	cr_expect(common_password(mem, none, "P@ssw0rd123!"));
	cr_expect(common_password(mem, none, "qwertyuiop"));
	cr_expect(common_password(mem, none, "iloveyou123"));
	cr_expect_not(common_password(mem, none, "alexander1"));
}

Test(password, absurd_lengths_are_no_trouble)
{
	size_t n = 1 << 20;
	char *p = talloc_size(mem, n + 1);

	memset(p, 'a', n);
	p[n] = '\0';
	cr_expect_str_eq(broken(p, &ana), "C");
	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + (i * i * 31 + i * 7) % 26);
	cr_expect_str_eq(broken(p, &ana), "");
}
