/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parser: finds delimiters with memmem(), then reads the header lines of
 * each part.
 */
#include "base/base.h"

#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/multipart.h"
#include "http/params.h"

#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */

struct multipart {
	TALLOC_CTX *mem;
	const char *s, *end;              /* not read yet */
	char delimiter[BOUNDARY_MAX + 5]; /* CR LF - - boundary NUL */
	size_t delimiter_len;
	struct body *out;
};

/* The headers of a part. */
struct part_head {
	const char *name, *filename, *type; /* NULL: absent */
};

static bool
wrong(struct multipart *m, enum msg fault)
{
	m->out->fault = fault;
	return false;
}

static bool
is_token(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/*
 * Reads a parameter `; name="value"` at *s and advances. In a quoted value \"
 * is a quote; any other \ is literal, as sent by browsers. false: there is
 * none. *name and *value are copies.
 */
static bool
read_parameter(TALLOC_CTX *mem, const char **s, char **name, char **value)
{
	const char *p = *s, *start;
	struct buf text;

	while (*p == ';' || *p == ' ' || *p == '\t')
		p++;
	for (start = p; is_token(*p); p++)
		;
	if (p == start || *p != '=')
		return false;
	*name = mem_textn(mem, start, (size_t)(p - start));
	buf_init(&text, mem, 64);
	if (*++p != '"') {
		for (start = p; is_token(*p); p++)
			;
		buf_add(&text, start, (size_t)(p - start));
	} else {
		for (p++; *p && *p != '"'; p++) {
			if (p[0] == '\\' && p[1] == '"')
				p++;
			buf_putc(&text, *p);
		}
		if (*p++ != '"')
			return false;
	}
	*value = text.data;
	*s = p;
	return true;
}

static bool
read_boundary(struct multipart *m, const char *type)
{
	const char *s = type + strcspn(type, ";");
	char *name, *value;
	size_t n;

	while (read_parameter(m->mem, &s, &name, &value)) {
		if (strcasecmp(name, "boundary") != 0)
			continue;
		n = strlen(value);
		if (n == 0 || n > BOUNDARY_MAX || value[n - 1] == ' ')
			return wrong(m, MSG_PART_BOUNDARY);
		memcpy(m->delimiter, "\r\n--", 4);
		memcpy(m->delimiter + 4, value, n + 1);
		m->delimiter_len = n + 4;
		return true;
	}
	return wrong(m, MSG_PART_NO_BOUNDARY);
}

/*
 * Skips the rest of a delimiter line, which may have white space. *last: it is
 * the closing delimiter.
 */
static bool
end_delimiter(struct multipart *m, bool *last)
{
	*last = m->end - m->s >= 2 && m->s[0] == '-' && m->s[1] == '-';
	if (*last)
		return true;
	while (m->s < m->end && (*m->s == ' ' || *m->s == '\t'))
		m->s++;
	if (m->end - m->s < 2 || m->s[0] != '\r' || m->s[1] != '\n')
		return wrong(m, MSG_PART_DELIMITER);
	m->s += 2;
	return true;
}

/* The first delimiter has no line end before it if it begins the body. */
static bool
find_first(struct multipart *m, bool *last)
{
	size_t n = m->delimiter_len - 2;
	const char *found;

	if ((size_t)(m->end - m->s) >= n &&
	    memcmp(m->s, m->delimiter + 2, n) == 0) {
		m->s += n;
		return end_delimiter(m, last);
	}
	found = memmem(
	    m->s, (size_t)(m->end - m->s), m->delimiter, m->delimiter_len);
	if (!found)
		return wrong(m, MSG_PART_NO_DELIMITER);
	m->s = found + m->delimiter_len;
	return end_delimiter(m, last);
}

/*
 * The text of an extended value (RFC 8187): charset'language'percent-encoded.
 * A value that is not UTF-8 stays encoded; file names are only informative.
 */
static const char *
extended_value(TALLOC_CTX *mem, const char *value)
{
	const char *language = strchr(value, '\'');
	const char *text = language ? strchr(language + 1, '\'') : NULL;
	char *decoded;

	if (!text)
		return value;
	text++;
	decoded = params_decode(mem, text, strlen(text), false);
	return decoded ? decoded : text;
}

static bool
read_disposition(struct multipart *m, const char *value, struct part_head *h)
{
	size_t n = strcspn(value, "; \t");
	const char *s = value + n;
	const char *extended = NULL;
	char *name, *text;

	if (n != 9 || strncasecmp(value, "form-data", n) != 0)
		return wrong(m, MSG_PART_NOT_FORM);
	while (read_parameter(m->mem, &s, &name, &text)) {
		if (strcasecmp(name, "name") == 0)
			h->name = text;
		else if (strcasecmp(name, "filename*") == 0)
			extended = extended_value(m->mem, text);
		else if (strcasecmp(name, "filename") == 0)
			h->filename = text;
	}
	if (*s)
		return wrong(m, MSG_PART_DISPOSITION);
	if (extended) /* preferred if a client sends both */
		h->filename = extended;
	return true;
}

/* Reads a header line. */
static bool
read_header(struct multipart *m, char *line, struct part_head *h)
{
	char *colon = strchr(line, ':'), *value;

	if (!colon || colon == line)
		return wrong(m, MSG_PART_HEADER);
	*colon = '\0';
	value = colon + 1;
	value += strspn(value, " \t");
	if (strcasecmp(line, "Content-Disposition") == 0)
		return read_disposition(m, value, h);
	if (strcasecmp(line, "Content-Type") == 0)
		h->type = value;
	else if (strcasecmp(line, "Content-Transfer-Encoding") == 0 &&
		 strcasecmp(value, "7bit") != 0 &&
		 strcasecmp(value, "8bit") != 0 &&
		 strcasecmp(value, "binary") != 0)
		return wrong(m, MSG_PART_TRANSFER);
	return true;
}

/* Reads the header lines of a part, including the empty line. */
static bool
read_head(struct multipart *m, struct part_head *h)
{
	const char *start = m->s, *eol;

	memset(h, 0, sizeof *h);
	for (;;) {
		eol = memmem(m->s, (size_t)(m->end - m->s), "\r\n", 2);
		if (!eol)
			return wrong(m, MSG_PART_END);
		if (eol - start > MULTIPART_HEADER_MAX)
			return wrong(m, MSG_PART_HEADERS_LONG);
		if (eol == m->s)
			break;
		if (!text_is_utf8(m->s, (size_t)(eol - m->s)))
			return wrong(m, MSG_PART_HEADER_UTF8);
		if (!read_header(
			m, mem_textn(m->mem, m->s, (size_t)(eol - m->s)), h))
			return false;
		m->s = eol + 2;
	}
	m->s = eol + 2;
	if (!h->name || !h->name[0])
		return wrong(m, MSG_PART_NO_NAME);
	if (strlen(h->name) > MULTIPART_NAME_MAX)
		return wrong(m, MSG_PART_NAME_LONG);
	return true;
}

static void
add_part(struct multipart *m, const struct part_head *h, const char *data,
    size_t len)
{
	struct body_part *part = &m->out->parts[m->out->n++];
	struct upload *file;

	part->name = h->name;
	if (h->filename) {
		file = mem_new(m->mem, struct upload);
		file->filename = h->filename;
		file->type = h->type ? h->type : "application/octet-stream";
		file->data = data;
		file->len = len;
		part->file = file;
	} else if (text_is_utf8(data, len)) {
		part->text = mem_textn(m->mem, data, len);
	} else {
		part->bad = true;
	}
}

static bool
read_part(struct multipart *m, bool *last)
{
	struct part_head head;
	const char *data, *found;

	if (m->out->n == MULTIPART_PARTS_MAX)
		return wrong(m, MSG_PARTS_MANY);
	if (!read_head(m, &head))
		return false;
	/* the delimiter of an empty part begins with the line end just read */
	data = m->s;
	found = memmem(data - 2, (size_t)(m->end - data) + 2, m->delimiter,
	    m->delimiter_len);
	if (!found)
		return wrong(m, MSG_PART_END);
	m->s = found + m->delimiter_len;
	add_part(m, &head, data, found > data ? (size_t)(found - data) : 0);
	return end_delimiter(m, last);
}

enum err
multipart_parse(TALLOC_CTX *mem, const char *type, const char *p, size_t n,
    struct body *out)
{
	struct multipart m = { .mem = mem, .s = p, .end = p + n, .out = out };
	bool last = false, good;

	out->n = 0;
	out->fault = MSG_NONE;
	out->parts = mem_array(mem, struct body_part, MULTIPART_PARTS_MAX);
	good = read_boundary(&m, type) && find_first(&m, &last);
	while (good && !last)
		good = read_part(&m, &last);
	if (good)
		return ERR_OK;
	out->n = 0;
	return ERR_INVALID;
}
