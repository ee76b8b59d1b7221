/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages by language and number. Each language's file is counted against the
 * English one, and its names are compared: an assertion fails when compiling
 * if one is missing, too many, or out of place.
 */
#include "base/base.h"

#include "base/buf.h"
#include "i18n/msg.h"

static const char *const en[] = {
	[MSG_NONE] = "",
#define MSG(NAME, TEXT) TEXT,
#include "i18n/en.def"
#undef MSG
};

static const char *const es[] = {
	[MSG_NONE] = "",
#define MSG(NAME, TEXT) TEXT,
#include "i18n/es.def"
#undef MSG
};

static const char *const fr[] = {
	[MSG_NONE] = "",
#define MSG(NAME, TEXT) TEXT,
#include "i18n/fr.def"
#undef MSG
};

static const char *const de[] = {
	[MSG_NONE] = "",
#define MSG(NAME, TEXT) TEXT,
#include "i18n/de.def"
#undef MSG
};

/* The same places in each language, compared with the English numbering. */
#define MSG(NAME, TEXT) ES_##NAME,
enum {
	ES_NONE,
#include "i18n/es.def"
	ES__MAX
};
#undef MSG
#define MSG(NAME, TEXT) FR_##NAME,
enum {
	FR_NONE,
#include "i18n/fr.def"
	FR__MAX
};
#undef MSG
#define MSG(NAME, TEXT) DE_##NAME,
enum {
	DE_NONE,
#include "i18n/de.def"
	DE__MAX
};
#undef MSG

#define MSG(NAME, TEXT)                                                  \
	_Static_assert((int)ES_##NAME == (int)MSG_##NAME, "es: " #NAME); \
	_Static_assert((int)FR_##NAME == (int)MSG_##NAME, "fr: " #NAME); \
	_Static_assert((int)DE_##NAME == (int)MSG_##NAME, "de: " #NAME);
#include "i18n/en.def"
#undef MSG
_Static_assert((int)ES__MAX == (int)MSG__MAX, "es.def has further messages");
_Static_assert((int)FR__MAX == (int)MSG__MAX, "fr.def has further messages");
_Static_assert((int)DE__MAX == (int)MSG__MAX, "de.def has further messages");

static const char *const *const texts[LANG__MAX] = {
	[LANG_EN] = en,
	[LANG_ES] = es,
	[LANG_FR] = fr,
	[LANG_DE] = de,
};

const char *
msg_text(enum lang lang, enum msg msg)
{
	assert(lang < LANG__MAX && msg < MSG__MAX);
	return texts[lang][msg];
}

char *
msg_format(
    TALLOC_CTX *mem, enum lang lang, enum msg msg, const char *const args[3])
{
	const char *s = msg_text(lang, msg);
	struct buf out;

	buf_init(&out, mem, strlen(s) + 64);
	while (*s) {
		if (s[0] == '{' && s[1] >= '0' && s[1] <= '2' && s[2] == '}') {
			const char *arg = args[s[1] - '0'];

			buf_puts(&out, arg ? arg : "");
			s += 3;
			continue;
		}
		buf_putc(&out, *s++);
	}
	return out.data;
}
