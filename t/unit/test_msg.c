/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages: there in every language, and their arguments put in.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/text.h"
#include "i18n/msg.h"

Test(msg, every_text_is_there_and_is_utf8)
{
	int lang, msg;

	for (lang = 0; lang < LANG__MAX; lang++) {
		for (msg = MSG_NONE + 1; msg < MSG__MAX; msg++) {
			const char *text =
			    msg_text((enum lang)lang, (enum msg)msg);

			cr_assert_not_null(text);
			cr_assert_gt(strlen(text), 0);
			cr_assert(text_is_utf8(text, strlen(text)), "%s", text);
		}
	}
}

Test(msg, arguments_go_to_their_places)
{
	const char *const args[3] = { "128", "130", NULL };

	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_FIELD_LENGTH, args),
	    "Ensure this value has at most 128 characters (it has 130).");
	cr_assert_str_eq(msg_format(NULL, LANG_DE, MSG_FIELD_LENGTH, args),
	    "Dieser Wert darf höchstens 128 Zeichen haben (es sind 130).");
}

Test(msg, one_is_not_many)
{
	const char *const one[3] = { "1" }, *const many[3] = { "12" };
	const char *const none[3] = { NULL };

	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_THROTTLED, one),
	    "Request was throttled. Expected available in 1 second.");
	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_THROTTLED, many),
	    "Request was throttled. Expected available in 12 seconds.");
	cr_assert_str_eq(msg_format(NULL, LANG_DE, MSG_RESEND_COOLDOWN, one),
	    "Sie können die Bestätigungs-E-Mail in 1 Sekunde erneut anfordern");
	cr_assert_str_eq(msg_format(NULL, LANG_FR, MSG_UNAVAILABLE, many),
	    "Le service n’est pas disponible pour le moment. Réessayez dans "
	    "12 secondes.");
	cr_assert_str_eq(msg_format(NULL, LANG_ES, MSG_THROTTLED, one),
	    "Demasiadas peticiones. Podrá volver a intentarlo dentro de 1 "
	    "segundo.");
	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_THROTTLED, none),
	    "Request was throttled. Expected available in  seconds.");
}

Test(msg, every_text_is_translated)
{
	for (int lang = LANG_EN + 1; lang < LANG__MAX; lang++) {
		for (int msg = MSG_NONE + 1; msg < MSG__MAX; msg++) {
			const char *text =
			    msg_text((enum lang)lang, (enum msg)msg);

			cr_assert_str_neq(
			    text, msg_text(LANG_EN, (enum msg)msg));
		}
	}
}

/* No blank at which a line could break before : ; ! ? or inside « ». */
Test(msg, french_has_no_break_spaces)
{
	static const char *const breaks[] = { " :", " ;", " !", " ?", "« ",
		" »" };

	for (int msg = MSG_NONE + 1; msg < MSG__MAX; msg++) {
		const char *text = msg_text(LANG_FR, (enum msg)msg);

		for (size_t i = 0; i < array_len(breaks); i++)
			cr_assert_null(strstr(text, breaks[i]), "%s", text);
	}
}

/* Each language has quotation marks of its own. */
Test(msg, quotation_marks)
{
	for (int lang = LANG_EN + 1; lang < LANG__MAX; lang++) {
		for (int msg = MSG_NONE + 1; msg < MSG__MAX; msg++) {
			const char *text =
			    msg_text((enum lang)lang, (enum msg)msg);

			cr_assert_null(strpbrk(text, "\"'"), "%s", text);
		}
	}
}

Test(msg, a_field_is_called_as_its_label)
{
	cr_assert_str_eq(msg_field(LANG_EN, "first_name"), "first_name");
	cr_assert_str_eq(msg_field(LANG_FR, "first_name"), "prénom");
	cr_assert_str_eq(msg_field(LANG_ES, "password"), "contraseña");
	cr_assert_str_eq(msg_field(LANG_DE, "rating"), "rating");
}

Test(msg, sizes)
{
	cr_assert_str_eq(msg_size(NULL, LANG_EN, 5 * 1024 * 1024), "5 MiB");
	cr_assert_str_eq(
	    msg_size(NULL, LANG_FR, 5 * 1024 * 1024), "5\u00a0Mio");
	cr_assert_str_eq(msg_size(NULL, LANG_DE, 64 * 1024), "64\u00a0KiB");
	cr_assert_str_eq(msg_size(NULL, LANG_ES, 1536 * 1024), "1536\u00a0KiB");
	cr_assert_str_eq(msg_size(NULL, LANG_EN, 12345), "12 KiB");
}

/* Unknown placeholders would be shown to users; paragraphs of mails may begin
 * with the marks of i18n/mailtext.h. */
Test(msg, every_brace_stands_for_something)
{
	static const char *const marks[] = { "\n{code}", "\n{link}",
		"\n{note}" };
	const char *const args[3] = { "1", "2", "3" };

	for (int lang = 0; lang < LANG__MAX; lang++) {
		for (int msg = MSG_NONE + 1; msg < MSG__MAX; msg++) {
			char *text = msg_format(
			    NULL, (enum lang)lang, (enum msg)msg, args);

			for (size_t i = 0; i < array_len(marks); i++)
				for (char *p; (p = strstr(text, marks[i]));)
					memset(p, 'x', strlen(marks[i]));
			cr_assert_null(strpbrk(text, "{}|"), "%s", text);
		}
	}
}

Test(msg, a_missing_argument_is_empty_and_text_is_not_read_again)
{
	const char *const none[3] = { NULL }, *const odd[3] = { "{0}%s{1}" };

	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_FIELD_IS_REQUIRED, none),
	    " is required");
	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_FIELD_IS_REQUIRED, odd),
	    "{0}%s{1} is required");
}

/* The arguments that a text uses, as bits. */
static unsigned
arguments_of(enum lang lang, enum msg msg)
{
	const char *s = msg_text(lang, msg);
	unsigned used = 0;

	for (; (s = strchr(s, '{')) != NULL; s++)
		if (s[1] >= '0' && s[1] <= '2')
			used |= 1u << (s[1] - '0');
	return used;
}

Test(msg, translations_have_the_same_arguments)
{
	for (int lang = LANG_EN + 1; lang < LANG__MAX; lang++)
		for (int msg = MSG_NONE + 1; msg < MSG__MAX; msg++)
			cr_expect_eq(
			    arguments_of((enum lang)lang, (enum msg)msg),
			    arguments_of(LANG_EN, (enum msg)msg), "%s: %s",
			    lang_code((enum lang)lang),
			    msg_text(LANG_EN, (enum msg)msg));
}
