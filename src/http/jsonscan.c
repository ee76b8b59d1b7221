/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recursive-descent scanner; the depth is bounded.
 */
#include "base/base.h"

#include <json-c/json.h>
#include <math.h>

#include "base/text.h"
#include "http/jsonscan.h"

/* Maximum length of a number; longer ones count as out of range. */
#define NUMBER_SIZE 512

struct scan {
	const char *s, *end;
	size_t keys, values, most;
	enum msg fault;
};

static bool scan_value(struct scan *at, int depth);

static bool
wrong(struct scan *at, enum msg fault)
{
	if (!at->fault)
		at->fault = fault;
	return false;
}

static void
skip_space(struct scan *at)
{
	while (at->s < at->end && (*at->s == ' ' || *at->s == '\t' ||
				      *at->s == '\n' || *at->s == '\r'))
		at->s++;
}

/* Skips one byte if it is `c`. */
static bool
take(struct scan *at, char c)
{
	if (at->s == at->end || *at->s != c)
		return false;
	at->s++;
	return true;
}

static bool
scan_word(struct scan *at, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(at->end - at->s) < n || memcmp(at->s, word, n) != 0)
		return wrong(at, MSG_JSON_VALUE);
	at->s += n;
	return true;
}

/* Four hexadecimal digits; -1: none. */
static int
scan_hex4(struct scan *at)
{
	int value = 0, i;

	if (at->end - at->s < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = *at->s++;

		value *= 16;
		if (c >= '0' && c <= '9')
			value += c - '0';
		else if (c >= 'a' && c <= 'f')
			value += c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			value += c - 'A' + 10;
		else
			return -1;
	}
	return value;
}

/* The part of an escape after \u. */
static bool
scan_unicode(struct scan *at)
{
	int unit = scan_hex4(at);

	if (unit < 0)
		return wrong(at, MSG_JSON_ESCAPE_U);
	if (unit == 0)
		return wrong(at, MSG_JSON_NUL);
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return wrong(at, MSG_JSON_SURROGATE);
	if (unit < 0xd800 || unit > 0xdbff)
		return true;
	if (!take(at, '\\') || !take(at, 'u'))
		return wrong(at, MSG_JSON_SURROGATE);
	unit = scan_hex4(at);
	if (unit < 0xdc00 || unit > 0xdfff)
		return wrong(at, MSG_JSON_SURROGATE);
	return true;
}

/* A string, beginning at its first quote. */
static bool
scan_string(struct scan *at)
{
	at->s++;
	while (at->s < at->end) {
		unsigned char c = (unsigned char)*at->s++;

		if (c == '"')
			return true;
		if (c < 0x20)
			return wrong(at, MSG_JSON_CONTROL);
		if (c != '\\')
			continue;
		if (at->s == at->end)
			break;
		c = (unsigned char)*at->s++;
		if (c == 'u') {
			if (!scan_unicode(at))
				return false;
		} else if (!c || !strchr("\"\\/bfnrt", c)) {
			return wrong(at, MSG_JSON_ESCAPE);
		}
	}
	return wrong(at, MSG_JSON_STRING);
}

static bool
scan_digits(struct scan *at)
{
	const char *start = at->s;

	while (at->s < at->end && *at->s >= '0' && *at->s <= '9')
		at->s++;
	return at->s > start || wrong(at, MSG_JSON_VALUE);
}

/* Whether the number of n characters fits its type. */
static bool
number_fits(const char *s, size_t n, bool integer)
{
	char text[NUMBER_SIZE];
	int64_t value;

	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if (integer)
		return text_to_int64(text, &value);
	return isfinite(strtod(text, NULL));
}

static bool
scan_number(struct scan *at)
{
	const char *start = at->s;
	bool integer = true;

	take(at, '-');
	if (!take(at, '0') && !scan_digits(at))
		return false;
	if (take(at, '.')) {
		integer = false;
		if (!scan_digits(at))
			return false;
	}
	if (take(at, 'e') || take(at, 'E')) {
		integer = false;
		if (!take(at, '+'))
			take(at, '-');
		if (!scan_digits(at))
			return false;
	}
	if (!number_fits(start, (size_t)(at->s - start), integer)) {
		at->s = start;
		return wrong(at, MSG_JSON_NUMBER);
	}
	return true;
}

static bool
scan_list(struct scan *at, int depth)
{
	at->s++;
	skip_space(at);
	if (take(at, ']'))
		return true;
	for (;;) {
		if (!scan_value(at, depth + 1))
			return false;
		skip_space(at);
		if (take(at, ']'))
			return true;
		if (!take(at, ','))
			return wrong(at, MSG_JSON_COMMA);
	}
}

static bool
scan_member(struct scan *at, int depth)
{
	skip_space(at);
	if (at->s == at->end || *at->s != '"')
		return wrong(at, MSG_JSON_NAME);
	if (!scan_string(at))
		return false;
	at->keys++;
	skip_space(at);
	if (!take(at, ':'))
		return wrong(at, MSG_JSON_COLON);
	return scan_value(at, depth + 1);
}

static bool
scan_object(struct scan *at, int depth)
{
	at->s++;
	skip_space(at);
	if (take(at, '}'))
		return true;
	for (;;) {
		if (!scan_member(at, depth))
			return false;
		skip_space(at);
		if (take(at, '}'))
			return true;
		if (!take(at, ','))
			return wrong(at, MSG_JSON_COMMA);
	}
}

/* White space and a value at nesting `depth` (0: outermost). */
static bool
scan_value(struct scan *at, int depth)
{
	skip_space(at);
	if (at->s == at->end)
		return wrong(at, MSG_JSON_VALUE);
	if (++at->values > at->most)
		return wrong(at, MSG_JSON_MANY);
	switch (*at->s) {
	case '{':
	case '[':
		if (depth == JSON_DEPTH_MAX)
			return wrong(at, MSG_JSON_DEPTH);
		return *at->s == '{' ? scan_object(at, depth) :
				       scan_list(at, depth);
	case '"':
		return scan_string(at);
	case 't':
		return scan_word(at, "true");
	case 'f':
		return scan_word(at, "false");
	case 'n':
		return scan_word(at, "null");
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return scan_number(at);
	default:
		return wrong(at, MSG_JSON_VALUE);
	}
}

bool
jsonscan(const char *s, size_t n, struct jsonscan *out)
{
	return jsonscan_most(s, n, JSON_VALUES_MAX, out);
}

bool
jsonscan_most(const char *s, size_t n, size_t values, struct jsonscan *out)
{
	struct scan at = { .s = s, .end = s + n, .most = values };

	if (!text_is_utf8(s, n))
		wrong(&at, MSG_JSON_UTF8);
	else if (scan_value(&at, 0)) {
		skip_space(&at);
		if (at.s < at.end)
			wrong(&at, MSG_JSON_EXTRA);
	}
	out->keys = at.keys;
	out->at = (size_t)(at.s - s);
	out->fault = at.fault;
	return !at.fault;
}

int
json_flags(void)
{
	const int broken = 18; /* 0.18.x; a char is compared with ' ' */

	return JSON_TOKENER_VALIDATE_UTF8 |
	       (json_c_version_num() >> 8 == broken ? 0 : JSON_TOKENER_STRICT);
}
