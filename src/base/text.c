/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text: UTF-8, trimming, numbers, slugs, addresses.
 */
#include "base/base.h"

#include <utf8proc.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define WORD_JOINER     "\xe2\x81\xa0" /* U+2060 */
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* U+FEFF */

#define NORMAL_MAX   4096
#define USERNAME_MAX 150
#define EMAIL_MAX    254
#define LOCAL_MAX    64
#define LABEL_MAX    63
#define MARKS_MAX    8 /* on one letter; Burmese has seven */

#define ZWNJ 0x200c /* zero width non-joiner and joiner */
#define ZWJ  0x200d

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/*
 * Reads the code point at s (n bytes are left) and returns its length; 0 if it
 * is not UTF-8.
 */
static size_t
decode(const char *s, size_t n, int32_t *code)
{
	utf8proc_ssize_t got = utf8proc_iterate(
	    (const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, code);

	return got > 0 ? (size_t)got : 0;
}

/* The same for a NUL-terminated text, without measuring it. */
static size_t
decode_next(const char *s, int32_t *code)
{
	return decode(s, strnlen(s, 4), code);
}

bool
text_is_utf8(const char *s, size_t n)
{
	int32_t code;
	size_t len;

	while (n > 0) {
		if (*s > 0) { /* ASCII, but not NUL */
			s++;
			n--;
			continue;
		}
		len = *s ? decode(s, n, &code) : 0;
		if (len == 0)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

void
text_cut_mark(char *s)
{
	size_t n = strlen(BYTE_ORDER_MARK);

	if (strncmp(s, BYTE_ORDER_MARK, n) == 0)
		memmove(s, s + n, strlen(s + n) + 1);
}

size_t
text_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
is_space(int32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 ||
	       c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	       c == 0x3000;
}

/* The first character that is not white space (nor is an invalid byte). */
static const char *
skip_space(const char *s)
{
	int32_t code;
	size_t len;

	for (; *s; s += len) {
		len = decode_next(s, &code);
		if (len == 0 || !is_space(code))
			break;
	}
	return s;
}

bool
text_is_blank(const char *s)
{
	return *skip_space(s) == '\0';
}

char *
text_trim(TALLOC_CTX *mem, const char *s)
{
	const char *start = skip_space(s), *end = start, *at = start;

	while (*at) {
		const char *next = skip_space(at);

		if (next == at) {
			do
				at++;
			while (((unsigned char)*at & 0xc0) == 0x80);
			end = at;
		} else {
			at = next;
		}
	}
	return mem_textn(mem, start, (size_t)(end - start));
}

char *
text_squeeze(TALLOC_CTX *mem, const char *s)
{
	struct buf out;

	buf_init(&out, mem, strlen(s) + 1);
	for (s = skip_space(s); *s; s = skip_space(s + 1))
		buf_putc(&out, *s);
	return out.data;
}

bool
text_to_int64(const char *s, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t value = 0, limit = INT64_MAX;
	unsigned digit;

	if (*s == '-' || *s == '+')
		s++;
	if (negative)
		limit++;
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++) {
		digit = (unsigned)(*s - '0');
		if (value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (*s)
		return false;
	if (negative)
		*out = value == limit ? INT64_MIN : -(int64_t)value;
	else
		*out = (int64_t)value;
	return true;
}

bool
text_is_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");
	int64_t value;

	return n >= 1 && n <= 19 && s[n] == '\0' && text_to_int64(s, &value);
}

char *
text_lower_ascii(TALLOC_CTX *mem, const char *s)
{
	char *copy = mem_text(mem, s), *p;

	for (p = copy; *p; p++)
		*p = lower(*p);
	return copy;
}

/* Bytes of s, at most NORMAL_MAX of them and whole code points. */
static size_t
normal_length(const char *s)
{
	size_t n = strnlen(s, NORMAL_MAX + 1);

	if (n <= NORMAL_MAX)
		return n;
	for (n = NORMAL_MAX; n > 0; n--) {
		if (((unsigned char)s[n] & 0xc0) != 0x80)
			break;
	}
	return n;
}

/*
 * A normal form of s; the memory of the library is freed. The library sorts
 * combining marks by exchanging neighbours, in quadratic time; hence the limit.
 */
static char *
normal_form(TALLOC_CTX *mem, const char *s, utf8proc_option_t options)
{
	utf8proc_uint8_t *form = NULL;
	utf8proc_ssize_t n;
	char *copy;

	n = utf8proc_map((const utf8proc_uint8_t *)s,
	    (utf8proc_ssize_t)normal_length(s), &form,
	    UTF8PROC_STABLE | options);
	if (n < 0) /* not UTF-8, which violates the contract: unchanged */
		return mem_text(mem, s);
	copy = mem_textn(mem, (char *)form, (size_t)n);
	free(form);
	return copy;
}

char *
text_nfc(TALLOC_CTX *mem, const char *s)
{
	if (strlen(s) > NORMAL_MAX)
		return mem_text(mem, s);
	return normal_form(mem, s, UTF8PROC_COMPOSE);
}

char *
text_nfkc(TALLOC_CTX *mem, const char *s)
{
	return normal_form(mem, s, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
}

/* A letter, a digit or another number character, of any script. */
static bool
is_word(int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return true;
	default:
		return false;
	}
}

/* A combining mark that belongs to the letter before it. */
static bool
is_mark(int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return (category == UTF8PROC_CATEGORY_MN ||
		   category == UTF8PROC_CATEGORY_MC) &&
	       !utf8proc_get_property(c)->ignorable;
}

/* Default_Ignorable_Code_Point of Unicode, also those that are not assigned. */
static bool
is_ignorable(int32_t c)
{
	return utf8proc_get_property(c)->ignorable || c == 0x2065 ||
	       (c >= 0xfff0 && c <= 0xfff8) || (c >= 0xe0000 && c <= 0xe0fff);
}

/*
 * Nobody can see it: control and format characters, what Unicode lists as
 * ignorable (among them fillers, which are letters, and variation selectors),
 * and two symbols without ink.
 */
static bool
is_invisible(int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return c == 0x2800 || c == 0x1d159 || is_ignorable(c);
	}
}

bool
text_is_invisible(const char *s)
{
	int32_t code;
	size_t len;

	for (; *s; s += len) {
		len = decode_next(s, &code);
		if (len == 0 || (!is_space(code) && !is_invisible(code)))
			return false;
	}
	return true;
}

/* Strips - and _ from both ends of a slug. */
static char *
strip_slug(TALLOC_CTX *mem, const char *s)
{
	size_t n;

	s += strspn(s, "-_");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == '-' || s[n - 1] == '_'))
		n--;
	return mem_textn(mem, s, n);
}

/* Common part of both slugs; they differ in what counts as a letter. */
static char *
make_slug(TALLOC_CTX *mem, const char *form, bool ascii)
{
	struct buf out;
	bool gap = false;
	int32_t code;
	size_t len;
	char *slug;

	buf_init(&out, mem, strlen(form) + 1);
	for (; *form; form += len) {
		len = decode_next(form, &code);
		if (len == 0) {
			len = 1;
			continue;
		}
		if (ascii && code > 0x7f)
			continue;
		if (code == '-' || is_space(code)) {
			gap = true;
			continue;
		}
		if (code != '_' && !is_word(code))
			continue;
		if (gap)
			buf_putc(&out, '-');
		gap = false;
		buf_add(&out, form, len);
	}
	slug = strip_slug(mem, out.data);
	talloc_free(out.data);
	return slug;
}

char *
text_slug(TALLOC_CTX *mem, const char *s)
{
	char *form = normal_form(mem, s, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
	char *low = text_lower_ascii(mem, form);
	char *slug = make_slug(mem, low, true);

	talloc_free(low);
	talloc_free(form);
	return slug;
}

/* Lower case in every script, code point by code point. */
static char *
lower_all(TALLOC_CTX *mem, const char *s)
{
	utf8proc_uint8_t bytes[4];
	struct buf out;
	int32_t code;
	size_t len;

	buf_init(&out, mem, strlen(s) + 1);
	for (; *s; s += len) {
		len = decode_next(s, &code);
		if (len == 0) {
			len = 1;
			continue;
		}
		buf_add(&out, bytes,
		    (size_t)utf8proc_encode_char(
			utf8proc_tolower(code), bytes));
	}
	return out.data;
}

char *
text_slug_unicode(TALLOC_CTX *mem, const char *s)
{
	char *form = text_nfkc(mem, s);
	char *low = lower_all(mem, form);
	char *slug = make_slug(mem, low, false);

	talloc_free(low);
	talloc_free(form);
	return slug;
}

static bool
is_username_sign(int32_t code)
{
	char c = (char)code;

	if (code > 0x7f)
		return is_word(code) && !is_invisible(code);
	return is_letter(c) || is_digit(c) || strchr("@.+-_", c);
}

bool
text_is_username(const char *s)
{
	size_t count = 0, marks = 0, len;
	bool letter = false;
	int32_t code;

	for (; *s; s += len) {
		len = decode_next(s, &code);
		if (len == 0 || ++count > USERNAME_MAX)
			return false;
		if (is_mark(code)) {
			if (!letter || ++marks > MARKS_MAX)
				return false;
			continue;
		}
		if (!is_username_sign(code))
			return false;
		letter = utf8proc_category(code) <= UTF8PROC_CATEGORY_LO;
		marks = 0;
	}
	return count > 0;
}

/*
 * Persian and the languages of India write names with joiners between letters,
 * where they change the form of these.
 */
static bool
takes_joiners(int32_t code)
{
	return (code >= 0x0600 && code <= 0x109f) ||
	       (code >= 0x1780 && code <= 0x17ff);
}

bool
text_is_name(const char *s)
{
	int32_t code, last = ' ', next;
	size_t marks = 0, len;

	for (; *s; s += len, last = code) {
		len = decode_next(s, &code);
		if (len == 0)
			return false;
		if (code == ZWNJ || code == ZWJ) {
			if (!takes_joiners(last) ||
			    decode_next(s + len, &next) == 0 ||
			    !takes_joiners(next))
				return false;
			continue;
		}
		if (is_invisible(code))
			return false;
		marks = is_mark(code) ? marks + 1 : 0;
		if (marks > MARKS_MAX || (marks == 1 && is_space(last)))
			return false;
	}
	return true;
}

/* RFC 5321 Dot-string: atoms between single dots. */
static bool
is_local_part(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || n > LOCAL_MAX || s[0] == '.' || s[n - 1] == '.')
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
		if (!is_letter(s[i]) && !is_digit(s[i]) &&
		    !strchr(".!#$%&'*+-/=?^_`{|}~", s[i]))
			return false;
	}
	return true;
}

/* At least so many labels of letters, digits and inner hyphens; the last one is
 * not a number. */
static bool
is_domain(const char *s, size_t least)
{
	size_t n, i, labels = 0;

	for (;; s += n + 1) {
		n = strcspn(s, ".");
		if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
			return false;
		for (i = 0; i < n; i++)
			if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-')
				return false;
		labels++;
		if (!s[n])
			break;
	}
	return labels >= least && strspn(s, "0123456789") != n;
}

static bool
is_address(const char *s, size_t labels)
{
	const char *at = strchr(s, '@');

	return at && strlen(s) <= EMAIL_MAX &&
	       is_local_part(s, (size_t)(at - s)) && is_domain(at + 1, labels);
}

bool
text_is_email(const char *s)
{
	return is_address(s, 2);
}

bool
text_is_sender(const char *s)
{
	return is_address(s, 1);
}

char *
text_url_encode(TALLOC_CTX *mem, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buf out;

	buf_init(&out, mem, strlen(s) + 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_letter(*s) || is_digit(*s) || strchr("-._~", *s)) {
			buf_putc(&out, *s);
		} else {
			buf_putc(&out, '%');
			buf_putc(&out, digits[c >> 4]);
			buf_putc(&out, digits[c & 15]);
		}
	}
	return out.data;
}

static bool
opens_markup(char c)
{
	return is_letter(c) || c == '/' || c == '!' || c == '?';
}

/*
 * Copies s and adds or removes one joiner between `<`, any number of joiners,
 * and a character that begins markup. Because existing joiners are allowed, the
 * two are exact inverses for any text.
 */
static char *
markup(TALLOC_CTX *mem, const char *s, bool guard)
{
	const size_t width = strlen(WORD_JOINER);
	struct buf out;
	size_t run;

	buf_init(&out, mem, strlen(s) + 16);
	for (; *s; s++) {
		buf_putc(&out, *s);
		if (*s != '<')
			continue;
		run = 0;
		while (!strncmp(s + 1 + run, WORD_JOINER, width))
			run += width;
		if (opens_markup(s[1 + run])) {
			if (guard)
				buf_puts(&out, WORD_JOINER);
			else if (run > 0)
				s += width;
		}
	}
	return out.data;
}

char *
text_markup_guard(TALLOC_CTX *mem, const char *s)
{
	return markup(mem, s, true);
}

char *
text_markup_undo(TALLOC_CTX *mem, const char *s)
{
	return markup(mem, s, false);
}
