/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mails: every kind in every language has code and link, and HTML is safe.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/text.h"
#include "i18n/mailtext.h"

static const struct mailtext_facts facts = {
	.username = "ana",
	.email = "ana+x@example.org",
	.code = "004217",
	.site = "https://movies.example",
};

Test(mailtext, every_language_says_all)
{
	int kind, lang;

	for (kind = 0; kind < MAILTEXT__MAX; kind++) {
		for (lang = 0; lang < LANG__MAX; lang++) {
			TALLOC_CTX *mem = talloc_new(NULL);
			struct mailtext t;

			mailtext_make(mem, &t, (enum mailtext_kind)kind,
			    (enum lang)lang, &facts);
			cr_expect(strstr(t.subject, "ana"));
			cr_expect(strstr(t.subject, "MoviesXMovies"));
			cr_expect(strstr(t.text, "004217"));
			cr_expect(strstr(t.html, "004217"));
			cr_expect(!strstr(t.text, "{0}"));
			cr_expect(!strstr(t.html, "{0}"));
			cr_expect(!strstr(t.subject, "{0}"));
			if (lang == LANG_FR) /* a line must not break there */
				cr_expect(!strstr(t.text, " :"));
			cr_expect(text_is_utf8(t.text, strlen(t.text)));
			cr_expect(text_is_utf8(t.html, strlen(t.html)));
			talloc_free(mem);
		}
	}
}

Test(mailtext, languages_differ)
{
	struct mailtext t[LANG__MAX];
	TALLOC_CTX *mem = talloc_new(NULL);
	int i, k;

	for (i = 0; i < LANG__MAX; i++)
		mailtext_make(
		    mem, &t[i], MAILTEXT_VERIFICATION, (enum lang)i, &facts);
	for (i = 0; i < LANG__MAX; i++)
		for (k = 0; k < i; k++)
			cr_expect_str_neq(t[i].text, t[k].text);
	talloc_free(mem);
}

Test(mailtext, links_are_those_of_the_front_end)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct mailtext t;

	mailtext_make(mem, &t, MAILTEXT_VERIFICATION, LANG_EN, &facts);
	cr_expect(strstr(
	    t.text, "\nhttps://movies.example/verify-email?code=004217\n"));
	cr_expect(strstr(t.html,
	    "<a href=\"https://movies.example/verify-email?code=004217\">"));
	mailtext_make(mem, &t, MAILTEXT_RESET, LANG_DE, &facts);
	cr_expect(
	    strstr(t.text, "\nhttps://movies.example/reset-password?code=004217"
			   "&email=ana%2Bx%40example.org\n"));
	cr_expect(strstr(t.html,
	    "<a href=\"https://movies.example/reset-password?code=004217"
	    "&amp;email=ana%2Bx%40example.org\">"));
	talloc_free(mem);
}

Test(mailtext, html_is_escaped)
{
	struct mailtext_facts bad = facts;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct mailtext t;

	bad.username = "<b>\"&'{0}";
	bad.site = "https://x\"><script>";
	mailtext_make(mem, &t, MAILTEXT_RESET, LANG_FR, &bad);
	cr_expect(!strstr(t.html, "<b>"));
	cr_expect(!strstr(t.html, "<script>"));
	cr_expect(strstr(t.html, "&lt;b&gt;&quot;&amp;&#39;{0}"));
	cr_expect(strstr(t.text, "<b>\"&'{0}"));
	talloc_free(mem);
}
