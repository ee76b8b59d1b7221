/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Formats mails. Control characters in headers are refused, so that no value
 * can inject a header; bodies are quoted-printable, so that relays do not
 * change them: no long lines, no 8-bit characters, no leading dots, no bare LF.
 */
#include "base/base.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "net/message.h"

#define LINE_MAX_BYTES 78 /* without CR LF; RFC 5322, 2.1.1 */
#define QP_LINE        76 /* RFC 2045, 6.7 */
#define WORD_BYTES     39 /* of text in an encoded word; the line is 73 */

static bool
has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static bool
is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

bool
message_address(
    TALLOC_CTX *mem, const char *s, const char **address, const char **name)
{
	const char *open = strrchr(s, '<');
	size_t len = strlen(s);

	if (has_control(s))
		return false;
	if (!open) {
		*address = text_trim(mem, s);
		if (name)
			*name = "";
		return text_is_sender(*address);
	}
	if (s[len - 1] != '>')
		return false;
	*address = mem_textn(mem, open + 1, len - (size_t)(open + 1 - s) - 1);
	if (name)
		*name = text_trim(mem, mem_textn(mem, s, (size_t)(open - s)));
	return text_is_sender(*address);
}

/* Length of the longest sequence of whole characters within n bytes. */
static size_t
whole_characters(const char *s, size_t n)
{
	size_t len = strlen(s);

	if (len <= n)
		return len;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* RFC 2047: base64 encoded words of whole characters, one per line. */
static void
put_encoded(struct buf *out, const char *s)
{
	char word[sodium_base64_ENCODED_LEN(
	    WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	const char *between = "";

	while (*s) {
		size_t n = whole_characters(s, WORD_BYTES);

		sodium_bin2base64(word, sizeof word, (const unsigned char *)s,
		    n, sodium_base64_VARIANT_ORIGINAL);
		buf_printf(out, "%s=?UTF-8?B?%s?=", between, word);
		between = "\r\n ";
		s += n;
	}
}

static void
put_subject(struct buf *out, const char *s)
{
	static const char head[] = "Subject: ";

	buf_puts(out, head);
	/* "=?" would be read as an encoded word */
	if (is_ascii(s) && !strstr(s, "=?") &&
	    strlen(s) <= LINE_MAX_BYTES - (sizeof head - 1))
		buf_puts(out, s);
	else
		put_encoded(out, s);
	buf_puts(out, "\r\n");
}

static void
put_from(struct buf *out, const char *name, const char *address)
{
	buf_puts(out, "From: ");
	if (*name && (!is_ascii(name) || strlen(name) > WORD_BYTES)) {
		put_encoded(out, name);
		buf_puts(out, "\r\n ");
	} else if (*name) {
		buf_putc(out, '"');
		for (; *name; name++) {
			if (*name == '"' || *name == '\\')
				buf_putc(out, '\\');
			buf_putc(out, *name);
		}
		buf_puts(out, "\"\r\n ");
	}
	buf_printf(out, "<%s>\r\n", address);
}

/* "Tue, 24 Nov 2026 08:16:00 +0000" */
static void
put_date(struct buf *out)
{
	char text[CLOCK_ISO_SIZE];
	size_t len;

	clock_http(text, clock_now_us());
	len = strlen(text);
	assert(len > 3 && strcmp(text + len - 3, "GMT") == 0);
	buf_printf(out, "Date: %.*s+0000\r\n", (int)(len - 3), text);
}

/* Encoded length of `c`, which depends on what follows it. */
static bool
qp_is_plain(const char *s, bool first)
{
	unsigned char c = (unsigned char)*s;

	if (c == '.' && first)
		return false;
	if (c == ' ' || c == '\t')
		return s[1] != '\n' && s[1] != '\r' && s[1] != '\0';
	return c > 0x20 && c < 0x7f && c != '=';
}

static void
put_quoted_printable(struct buf *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	int column = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain;

		if (c == '\r' && s[1] == '\n')
			continue;
		if (c == '\n') {
			buf_puts(out, "\r\n");
			column = 0;
			continue;
		}
		if (column > QP_LINE - 4) {
			buf_puts(out, "=\r\n");
			column = 0;
		}
		plain = qp_is_plain(s, column == 0);
		if (plain) {
			buf_putc(out, (char)c);
		} else {
			buf_putc(out, '=');
			buf_putc(out, hex[c >> 4]);
			buf_putc(out, hex[c & 15]);
		}
		column += plain ? 1 : 3;
	}
	if (column > 0)
		buf_puts(out, "\r\n");
}

static void
put_part(struct buf *out, const char *boundary, const char *type, const char *s)
{
	buf_printf(out,
	    "--%s\r\n"
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    boundary, type);
	put_quoted_printable(out, s);
}

enum err
message_compose(TALLOC_CTX *mem, const struct mail *m, struct buf *out)
{
	const char *from, *name, *to, *none;
	char boundary[36] = "=_", id[33];

	if (!message_address(mem, m->from, &from, &name) ||
	    !message_address(mem, m->to, &to, &none) || *none ||
	    has_control(m->subject))
		return ERR_INVALID;
	random_hex(id, 16);
	random_hex(boundary + 2, 16);
	put_from(out, name, from);
	buf_printf(out, "To: <%s>\r\n", to);
	put_subject(out, m->subject);
	put_date(out);
	buf_printf(out, "Message-ID: <%s@%s>\r\n", id, strchr(from, '@') + 1);
	/* The boundary cannot occur in a body: "=_" is not quoted-printable. */
	buf_printf(out,
	    "Auto-Submitted: auto-generated\r\n"
	    "Content-Language: %s\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative;\r\n"
	    " boundary=\"%s\"\r\n\r\n",
	    m->lang, boundary);
	put_part(out, boundary, "text/plain", m->text);
	put_part(out, boundary, "text/html", m->html);
	buf_printf(out, "--%s--\r\n", boundary);
	return ERR_OK;
}
