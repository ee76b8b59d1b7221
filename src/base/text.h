/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text: UTF-8, trimming, numbers, slugs, addresses. Nothing here depends on
 * the locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"

/* true if the n bytes are valid UTF-8 (RFC 3629) without NUL. */
bool text_is_utf8(const char *s, size_t n);

/* Skips a byte order mark at the beginning of a file. */
void text_cut_mark(char *s);

/* Code points in a valid UTF-8 string. */
size_t text_length(const char *s);

/* White space (Unicode's White_Space property) only, or empty. */
bool text_is_blank(const char *s);

/* White space and invisible characters only (control and format characters,
 * fillers, variation selectors, U+2800), or empty. */
bool text_is_invisible(const char *s);

/* A copy without white space at both ends. */
char *text_trim(TALLOC_CTX *mem, const char *s);

/* A copy without any white space. */
char *text_squeeze(TALLOC_CTX *mem, const char *s);

/* The whole string is an optional sign and ASCII digits, and fits. */
bool text_to_int64(const char *s, int64_t *out);

/* ASCII digits only, 1 to 19 of them, and fits (the `page` rule). */
bool text_is_digits(const char *s);

/* A copy in ASCII lower case. */
char *text_lower_ascii(TALLOC_CTX *mem, const char *s);

/* NFC form of a valid UTF-8 string; one of more than 4096 bytes is unchanged.
 */
char *text_nfc(TALLOC_CTX *mem, const char *s);

/* NFKC form of a valid UTF-8 string, of its first 4096 bytes (utf8proc). */
char *text_nfkc(TALLOC_CTX *mem, const char *s);

/*
 * ASCII slug: NFKD, non-ASCII dropped, lower case, letters digits _ space and
 * hyphen kept, runs of space/hyphen to one hyphen, - and _ stripped from the
 * ends (contract, movies 4.3); of the first 4096 bytes. May be empty.
 */
char *text_slug(TALLOC_CTX *mem, const char *s);

/* As text_slug, keeping letters and digits of every script (movies 2.2). */
char *text_slug_unicode(TALLOC_CTX *mem, const char *s);

/*
 * Letters, with their combining marks, and digits of any script, and @ . + - _
 * ; 1 to 150 code points.
 */
bool text_is_username(const char *s);

/*
 * A name of a person: any characters that can be seen, blanks, and joiners
 * between letters of scripts that need them. An empty text is one.
 */
bool text_is_name(const char *s);

/* A plain mail address: one @, local part of RFC 5321 atoms, a domain with a
 * dot, at most 254 bytes; no quotes, no comments, no CR or LF. */
bool text_is_email(const char *s);

/* As text_is_email(), but the domain may be a host without a dot, for
 * settings. */
bool text_is_sender(const char *s);

/* Percent-encodes all but RFC 3986 unreserved characters. */
char *text_url_encode(TALLOC_CTX *mem, const char *s);

/*
 * Inserts U+2060 after every `<` that is followed by a letter, `/`, `!` or `?`
 * (contract README 19), and removes it: text_markup_undo(text_markup_guard(s))
 * is s.
 */
char *text_markup_guard(TALLOC_CTX *mem, const char *s);
char *text_markup_undo(TALLOC_CTX *mem, const char *s);

#endif
