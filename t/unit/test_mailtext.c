/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mails: every message in every language is a mail, and variables are text.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/text.h"
#include "i18n/mailtext.h"

static const struct mailtext_facts facts = {
	.username = "ana",
	.value = "Google",
	.code = "004217",
	.link = "https://movies.example/x?code=004217&email=a%40b",
};

static const struct {
	enum msg message;
	int code; /* whether it is in the mail */
} mails[] = {
#define NO_CODE                             0
#define CODE_RESET                          1
#define CODE_VERIFICATION                   1
#define MAIL(NAME, MESSAGE, TO, CODE, LINK) { MSG_MAIL_##MESSAGE, CODE },
#include "mails.def"
#undef MAIL
};

static void
check_mail(const struct mailtext *t, enum lang lang, bool has_code)
{
	cr_expect(strstr(t->subject, "ana"));
	cr_expect(strstr(t->subject, "MoviesXMovies"));
	cr_expect(strlen(t->text) > 100);
	cr_expect_eq(strstr(t->text, "\n\n    004217\n") != NULL, has_code);
	cr_expect_eq(strstr(t->html, ">004217</p>") != NULL, has_code);
	cr_expect(strstr(
	    t->html, mem_printf(NULL, "<html lang=\"%s\">", lang_code(lang))));
	cr_expect(!strpbrk(t->subject, "{}\n"));
	cr_expect(!strpbrk(t->text, "{}"), "%s", t->text);
	cr_expect(!strpbrk(t->html, "{}"));
	cr_expect(!strstr(t->text, "\n\n\n"));
	if (lang == LANG_FR) /* a line must not break there */
		cr_expect(!strstr(t->text, " :"));
	cr_expect(text_is_utf8(t->text, strlen(t->text)));
	cr_expect(text_is_utf8(t->html, strlen(t->html)));
}

Test(mailtext, every_mail_in_every_language)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	size_t i;
	int lang, other;

	for (i = 0; i < array_len(mails); i++) {
		struct mailtext t[LANG__MAX];

		for (lang = 0; lang < LANG__MAX; lang++) {
			mailtext_make(mem, &t[lang], (enum lang)lang,
			    mails[i].message, &facts);
			check_mail(&t[lang], (enum lang)lang, mails[i].code);
			for (other = 0; other < lang; other++)
				cr_expect_str_neq(t[lang].text, t[other].text);
		}
	}
	talloc_free(mem);
}

Test(mailtext, the_link_is_below_the_text_about_it)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct mailtext t;

	mailtext_make(mem, &t, LANG_EN, MSG_MAIL_RESET, &facts);
	cr_expect(strstr(t.text, "can do so:\nhttps://movies.example/x?code="
				 "004217&email=a%40b\n\n"));
	cr_expect(strstr(t.html, "<a href=\"https://movies.example/x?code="
				 "004217&amp;email=a%40b\">Choose a new "
				 "password</a>"));
	talloc_free(mem);
}

Test(mailtext, variables_are_neither_markup_nor_paragraphs)
{
	struct mailtext_facts bad = facts;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct mailtext t;

	bad.username = "<b>\"&'{0}{1}\n{link}x";
	bad.link = "https://x\"><script>";
	mailtext_make(mem, &t, LANG_FR, MSG_MAIL_RESET, &bad);
	cr_expect(!strstr(t.html, "<b>"));
	cr_expect(!strstr(t.html, "<script>"));
	cr_expect(strstr(t.html, "&lt;b&gt;&quot;&amp;&#39;{0}{1}"));
	cr_expect(strstr(t.text, "<b>\"&'{0}{1}\n{link}x"));
	talloc_free(mem);
}
