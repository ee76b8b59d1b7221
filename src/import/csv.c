/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader: bytes of one record go into one buffer, each field ended by a
 * NUL.
 */
#include "base/base.h"

#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "import/csv.h"

struct csv {
	FILE *file;
	int64_t done;
	int64_t size;
	long line; /* on which the next byte stands */
	char *bytes;
	size_t len;
	size_t room;
	size_t starts[CSV_FIELDS_MAX];
	int count;
	long begin;      /* the record's first line */
	long last;       /* where reading was given up */
	const char *why; /* what is wrong with the record being read */
	bool lost;       /* where the next record begins is not known */
};

static int
csv_close(struct csv *c)
{
	fclose(c->file);
	return 0;
}

struct csv *
csv_new(TALLOC_CTX *mem, FILE *file)
{
	struct csv *c = mem_new(mem, struct csv);
	struct stat st;

	c->file = file;
	c->line = 1;
	talloc_set_destructor(c, csv_close);
	if (fileno(file) >= 0 && fstat(fileno(file), &st) == 0)
		c->size = st.st_size;
	return c;
}

struct csv *
csv_open(TALLOC_CTX *mem, const char *path)
{
	FILE *file = fopen(path, "re");

	return file ? csv_new(mem, file) : NULL;
}

int64_t
csv_done(const struct csv *c)
{
	return c->done;
}

int64_t
csv_size(const struct csv *c)
{
	return c->size;
}

static int
next_byte(struct csv *c)
{
	int ch = getc_unlocked(c->file);

	if (ch != EOF)
		c->done++;
	if (ch == '\n')
		c->line++;
	return ch;
}

static int
peek_byte(struct csv *c)
{
	int ch = getc_unlocked(c->file);

	if (ch != EOF)
		ungetc(ch, c->file);
	return ch;
}

/* Only the first fault of a record is reported. */
static void
set_fault(struct csv *c, const char *why)
{
	if (!c->why)
		c->why = why;
}

static void
add_byte(struct csv *c, int ch)
{
	if (c->len == CSV_RECORD_MAX) {
		set_fault(c, "longer than a megabyte");
		return;
	}
	if (c->len == c->room) {
		c->room = c->room ? 2 * c->room : 4096;
		c->bytes = mem_grow(c, c->bytes, char, c->room);
	}
	c->bytes[c->len++] = (char)ch;
}

static void
begin_field(struct csv *c)
{
	if (c->count == CSV_FIELDS_MAX) {
		set_fault(c, "more than 64 fields");
		return;
	}
	c->starts[c->count++] = c->len;
}

static void
lose(struct csv *c, const char *why)
{
	c->why = why;
	c->lost = true;
	c->last = c->line - (c->len > 0 && c->bytes[c->len - 1] == '\n');
}

/* The content of quotes, up to the closing one. */
static void
read_quoted(struct csv *c)
{
	size_t bytes = 0;
	int ch;

	for (;;) {
		ch = next_byte(c);
		if (ch == EOF) {
			lose(c, "an unterminated quote");
			return;
		}
		if (c->line - c->begin > CSV_LINES_MAX ||
		    ++bytes > CSV_RECORD_MAX) {
			lose(c, "a quote that is not closed within 1000 lines "
				"and a megabyte");
			return;
		}
		if (ch == '"') {
			if (peek_byte(c) != '"')
				return;
			(void)next_byte(c);
		}
		if (ch == '\0')
			set_fault(c, "a NUL byte");
		add_byte(c, ch);
	}
}

/* Reads a field; returns its terminator: a comma, a line feed, or EOF. */
static int
read_field(struct csv *c)
{
	bool quoted = false;
	bool fresh = true;
	int ch = EOF;

	begin_field(c);
	while (!c->lost) {
		ch = next_byte(c);
		if (ch == '\r' && peek_byte(c) == '\n')
			continue;
		if (ch == ',' || ch == '\n' || ch == EOF)
			break;
		if (ch == '"' && fresh) {
			read_quoted(c);
			quoted = true;
		} else if (ch == '"' && !quoted)
			set_fault(c, "a quote within an unquoted field");
		else if (quoted)
			set_fault(c, "text after the closing quote");
		else if (ch == '\0')
			set_fault(c, "a NUL byte");
		else
			add_byte(c, ch);
		fresh = false;
	}
	add_byte(c, '\0');
	return ch;
}

static void
skip_byte_order_mark(struct csv *c)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };

	for (size_t i = 0; i < sizeof mark; i++) {
		if (peek_byte(c) != mark[i])
			return;
		(void)next_byte(c);
	}
}

static void
check_texts(struct csv *c)
{
	for (int i = 0; i < c->count; i++) {
		const char *s = c->bytes + c->starts[i];

		if (!text_is_utf8(s, strlen(s)))
			set_fault(c, "not UTF-8");
	}
}

/* Reads a record into the buffer; false: none. */
static bool
read_record(struct csv *c)
{
	int ch;

	c->len = 0;
	c->count = 0;
	c->why = NULL;
	c->begin = c->line;
	if (c->done == 0)
		skip_byte_order_mark(c);
	if (peek_byte(c) == EOF)
		return false;
	do
		ch = read_field(c);
	while (ch == ',' && !c->lost);
	return true;
}

static bool
is_empty_line(const struct csv *c)
{
	return !c->why && c->count == 1 && c->bytes[0] == '\0';
}

enum csv_event
csv_next(struct csv *c, struct csv_row *row)
{
	bool any;

	do {
		row->line = c->line;
		any = read_record(c);
		if (ferror(c->file)) {
			row->why = "cannot be read";
			return CSV_FAIL;
		}
		row->last = c->lost ? c->last : c->line - 1;
		if (c->lost) {
			row->why = c->why;
			return CSV_FAIL;
		}
		if (!any)
			return CSV_END;
	} while (is_empty_line(c));
	if (!c->why)
		check_texts(c);
	row->why = c->why;
	if (c->why)
		return CSV_BAD;
	row->count = c->count;
	for (int i = 0; i < c->count; i++)
		row->fields[i] = c->bytes + c->starts[i];
	return CSV_ROW;
}

/* Names of columns are compared without case and surrounding blanks. */
static bool
is_named(const char *field, const char *name)
{
	size_t n = strlen(name);

	field += strspn(field, " \t");
	return strncasecmp(field, name, n) == 0 &&
	       field[n + strspn(field + n, " \t")] == '\0';
}

bool
csv_columns(const struct csv_row *header, const char *const *names, int n,
    int *columns, const char **missing)
{
	for (int i = 0; i < n; i++) {
		columns[i] = -1;
		for (int k = 0; k < header->count && columns[i] < 0; k++) {
			if (is_named(header->fields[k], names[i]))
				columns[i] = k;
		}
		if (columns[i] < 0) {
			*missing = names[i];
			return false;
		}
	}
	return true;
}
