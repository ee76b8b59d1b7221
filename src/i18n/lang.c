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

/* The language of a tag such as "fr-CA" or "fr_CA"; false: not supported. */
static bool
tag_lang(const char *tag, size_t len, enum lang *lang)
{
	int i;

	if (len < 2 || (len > 2 && tag[2] != '-' && tag[2] != '_'))
		return false;
	for (i = 0; i < LANG__MAX; i++) {
		if (strncasecmp(tag, codes[i], 2) == 0) {
			*lang = (enum lang)i;
			return true;
		}
	}
	return false;
}

bool
lang_of_tag(const char *tag, enum lang *lang)
{
	/* only the region may be in any case, as in the codes of accounts */
	if (tag[0] < 'a' || tag[0] > 'z' || tag[1] < 'a' || tag[1] > 'z')
		return false;
	return tag_lang(tag, strlen(tag), lang);
}

/* A weight in thousandths, 0 to 1000; RFC 9110, 12.4.2. */
static int
read_weight(const char *s, const char *end)
{
	int weight = 0, scale = 1000;

	for (; s < end && scale > 0; s++) {
		if (*s == '.')
			continue;
		if (*s < '0' || *s > '9')
			break;
		weight += (*s - '0') * scale;
		scale /= 10;
	}
	return weight > 1000 ? 1000 : weight;
}

/* Weight of an element by its parameter q, wherever it is; without one 1000. */
static int
weight_of(const char *params, const char *end)
{
	const char *s = params;

	while (s < end) {
		while (s < end && (*s == ' ' || *s == '\t' || *s == ';'))
			s++;
		if (end - s >= 2 && (s[0] == 'q' || s[0] == 'Q') && s[1] == '=')
			return read_weight(s + 2, end);
		while (s < end && *s != ';')
			s++;
	}
	return 1000;
}

/* What an Accept-Language value says of a language, or of all others (*). */
struct mention {
	int weight; /* -1: not mentioned */
	int place;  /* of the range with that weight */
};

static void
mention(struct mention *m, int weight, int place)
{
	if (weight > m->weight)
		*m = (struct mention){ weight, place };
}

/* The heaviest; of equals the first in the header, then in our order. */
static enum lang
heaviest(const struct mention langs[LANG__MAX], const struct mention *others)
{
	struct mention best = { 0, 0 };
	enum lang lang = LANG_EN;

	for (int i = 0; i < LANG__MAX; i++) {
		const struct mention *m =
		    langs[i].weight < 0 ? others : &langs[i];

		if (m->weight > best.weight ||
		    (m->weight == best.weight && m->weight > 0 &&
			m->place < best.place)) {
			best = *m;
			lang = (enum lang)i;
		}
	}
	return lang;
}

enum lang
lang_negotiate(const char *accept_language)
{
	struct mention langs[LANG__MAX], others = { -1, 0 };
	const char *s = accept_language;
	enum lang lang = LANG_EN;

	for (int i = 0; i < LANG__MAX; i++)
		langs[i] = others;
	for (int place = 0; *s; place++) {
		const char *end = s + strcspn(s, ",");
		size_t tag;

		while (s < end && (*s == ' ' || *s == '\t'))
			s++;
		tag = strcspn(s, ",; \t");
		if (tag == 1 && *s == '*')
			mention(&others, weight_of(s + tag, end), place);
		else if (tag_lang(s, tag, &lang))
			mention(&langs[lang], weight_of(s + tag, end), place);
		s = *end ? end + 1 : end;
	}
	return heaviest(langs, &others);
}
