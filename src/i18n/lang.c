/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The four languages, and their negotiation by Accept-Language.
 */
#include "base/base.h"

#include <strings.h>

#include "i18n/lang.h"

static const char codes[LANG__MAX][3] = {
	[LANG_EN] = "en",
	[LANG_ES] = "es",
	[LANG_FR] = "fr",
	[LANG_DE] = "de",
};

const char *
lang_code(enum lang lang)
{
	assert(lang < LANG__MAX);
	return codes[lang];
}

bool
lang_parse(const char *code, enum lang *lang)
{
	int i;

	for (i = 0; i < LANG__MAX; i++) {
		if (strcmp(code, codes[i]) == 0) {
			*lang = (enum lang)i;
			return true;
		}
	}
	return false;
}

/* Weight of one element's parameters in thousandths; RFC 9110, 12.4.2. */
static int
weight_of(const char *params, const char *end)
{
	const char *q = params;
	int weight = 0, scale = 1000;

	while (q < end && (*q == ' ' || *q == '\t' || *q == ';'))
		q++;
	if (end - q < 3 || (q[0] != 'q' && q[0] != 'Q') || q[1] != '=')
		return 1000;
	for (q += 2; q < end && scale > 0; q++) {
		if (*q == '.')
			continue;
		if (*q < '0' || *q > '9')
			break;
		weight += (*q - '0') * scale;
		scale /= 10;
	}
	return weight > 1000 ? 1000 : weight;
}

/* The language of a tag such as "fr-CA"; false: not supported. */
static bool
tag_lang(const char *tag, size_t len, enum lang *lang)
{
	int i;

	if (len < 2 || (len > 2 && tag[2] != '-'))
		return false;
	for (i = 0; i < LANG__MAX; i++) {
		if (strncasecmp(tag, codes[i], 2) == 0) {
			*lang = (enum lang)i;
			return true;
		}
	}
	return false;
}

enum lang
lang_negotiate(const char *accept_language)
{
	enum lang best = LANG_EN, lang = LANG_EN;
	const char *s = accept_language;
	int best_weight = 0;

	while (*s) {
		size_t len = strcspn(s, ",");
		const char *end = s + len;
		size_t tag;
		int weight;

		while (s < end && (*s == ' ' || *s == '\t'))
			s++;
		tag = strcspn(s, ",; \t");
		weight = weight_of(s + tag, end);
		if (weight > best_weight && tag_lang(s, tag, &lang)) {
			best = lang;
			best_weight = weight;
		}
		s = *end ? end + 1 : end;
	}
	return best;
}
