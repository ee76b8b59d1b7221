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
	    "Dieser Wert darf höchstens 128 Zeichen haben (er hat 130).");
}

Test(msg, a_missing_argument_is_empty_and_text_is_not_read_again)
{
	const char *const none[3] = { NULL }, *const odd[3] = { "{0}%s{1}" };

	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_FIELD_IS_REQUIRED, none),
	    " is required");
	cr_assert_str_eq(msg_format(NULL, LANG_EN, MSG_FIELD_IS_REQUIRED, odd),
	    "{0}%s{1} is required");
}
