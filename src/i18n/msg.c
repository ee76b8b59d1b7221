/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages by language and number. The names in the file of each language are
 * compared with the English ones: a static assertion fails if one is missing,
 * additional or out of order.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "i18n/msg.h"

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

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

/* The positions in each language, compared with the English ones. */
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

const char *
msg_field(enum lang lang, const char *name)
{
	static const struct {
		const char *name;
		enum msg label;
	} fields[] = {
		{ "username", MSG_NAME_USERNAME },
		{ "first_name", MSG_NAME_FIRST_NAME },
		{ "last_name", MSG_NAME_LAST_NAME },
		{ "email", MSG_NAME_EMAIL },
		{ "password", MSG_NAME_PASSWORD },
	};

	for (size_t i = 0; lang != LANG_EN && i < array_len(fields); i++) {
		if (strcmp(name, fields[i].name) == 0)
			return msg_text(lang, fields[i].label);
	}
	return name;
}

char *
msg_size(TALLOC_CTX *mem, enum lang lang, size_t bytes)
{
	const char *byte = lang == LANG_FR ? "io" : "iB";
	const char *blank = lang == LANG_EN ? " " : "\u00a0";

	if (bytes >= MIB && bytes % MIB == 0)
		return mem_printf(mem, "%zu%sM%s", bytes / MIB, blank, byte);
	return mem_printf(mem, "%zu%sK%s", bytes / KIB, blank, byte);
}

/*
 * Appends the argument of the placeholder at `s`; returns its length, 0 if it
 * is not a placeholder.
 */
static size_t
put_argument(struct buf *out, const char *s, const char *const args[3])
{
	const char *arg, *bar;
	size_t len = strcspn(s, "}");

	if (s[0] != '{' || s[1] < '0' || s[1] > '2' || !s[len])
		return 0;
	arg = args[s[1] - '0'] ? args[s[1] - '0'] : "";
	if (len == 2) {
		buf_puts(out, arg);
		return 3;
	}
	bar = memchr(s, '|', len);
	if (s[2] != ':' || !bar)
		return 0;
	if (strcmp(arg, "1") == 0)
		buf_add(out, s + 3, (size_t)(bar - s) - 3);
	else
		buf_add(out, bar + 1, (size_t)(s + len - bar) - 1);
	return len + 1;
}

char *
msg_fill(TALLOC_CTX *mem, const char *s, const char *const args[3])
{
	struct buf out;
	size_t taken;

	buf_init(&out, mem, strlen(s) + 64);
	while (*s) {
		taken = put_argument(&out, s, args);
		if (taken == 0)
			buf_putc(&out, *s++);
		s += taken;
	}
	return out.data;
}

char *
msg_format(
    TALLOC_CTX *mem, enum lang lang, enum msg msg, const char *const args[3])
{
	return msg_fill(mem, msg_text(lang, msg), args);
}
