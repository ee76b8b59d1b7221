/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Languages: codes, and the choice by Accept-Language.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "i18n/lang.h"

Test(lang, codes_go_and_come)
{
	enum lang lang;
	int i;

	for (i = 0; i < LANG__MAX; i++) {
		cr_assert(lang_parse(lang_code((enum lang)i), &lang));
		cr_assert_eq((int)lang, i);
	}
}

Test(lang, what_is_not_ours_changes_nothing)
{
	static const char *const codes[] = { "", "e", "EN", "en-US", "it",
		"eng" };
	enum lang lang = LANG_FR;
	size_t i;

	for (i = 0; i < array_len(codes); i++)
		cr_assert_not(lang_parse(codes[i], &lang), "%s", codes[i]);
	cr_assert_eq(lang, LANG_FR);
}

Test(lang, tags)
{
	static const char *const bad[] = { "", "d", "DE", "De", "deu", "de.DE",
		"it", "-", "d-", "xx-de" };
	static const char *const good[] = { "de", "de-DE", "de_DE", "de-at",
		"de_CH.UTF-8" };
	enum lang lang = LANG_FR;

	for (size_t i = 0; i < array_len(bad); i++)
		cr_assert_not(lang_of_tag(bad[i], &lang), "%s", bad[i]);
	cr_assert_eq(lang, LANG_FR);
	for (size_t i = 0; i < array_len(good); i++) {
		lang = LANG_FR;
		cr_assert(lang_of_tag(good[i], &lang), "%s", good[i]);
		cr_assert_eq(lang, LANG_DE);
	}
}

/* RFC 9110, 12.5.4: the greatest weight wins, of equals the first. */
Test(lang, negotiation)
{
	static const struct {
		const char *accept;
		enum lang want;
	} cases[] = {
		{ "", LANG_EN },
		{ "fr", LANG_FR },
		{ "fr-CA", LANG_FR },
		{ "FR-ca,en;q=0.5", LANG_FR },
		{ "it, de;q=0.4, es;q=0.8", LANG_ES },
		{ "de;q=0.3,es;q=0.3", LANG_DE },
		{ "es;q=0, de;q=0.001", LANG_DE },
		{ "it,ja", LANG_EN },
		{ "*", LANG_EN },
		{ "frankly, deer", LANG_EN },
		{ " \t de ; q=1.0 ,, en", LANG_DE },
		{ ";;;q=,=,", LANG_EN },
		{ "de;q=7", LANG_DE },
		{ "es;q=0.12345,fr;q=0.124", LANG_FR },
		{ "de;level=1;q=0.1, fr;q=0.5", LANG_FR },
		{ "*;q=0.8, en;q=0", LANG_ES },
		{ "en;q=0, *;q=0.8", LANG_ES },
		{ "en;q=0, *;q=0.5, de;q=0.4", LANG_ES },
		{ "*, de", LANG_EN },
		{ "de, *", LANG_DE },
		{ "*;q=0.5, fr", LANG_FR },
		{ "en;q=0.4, *;q=0.3", LANG_EN },
		{ "it, *;q=0.1", LANG_EN },
		{ "*;q=0", LANG_EN },
		{ "de_DE", LANG_DE },
		{ "de-DE;q=0, de;q=0.3, en;q=0.2", LANG_DE },
		{ "de;q=0, de-AT;q=0.3, en;q=0.2", LANG_DE },
		{ "de-CH-1996, en", LANG_DE },
		{ "de;Q=0.1;x=y, es;q=0.2;q=0.9", LANG_ES },
		{ "qaa;q=1,q=1,fr;qq=0.1,es;q=1", LANG_FR },
	};
	size_t i;

	for (i = 0; i < array_len(cases); i++)
		cr_assert_eq(lang_negotiate(cases[i].accept), cases[i].want,
		    "%s", cases[i].accept);
}
