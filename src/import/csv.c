/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader: bytes of one record go into one buffer, each field ended by a
 * NUL.
 */
#include "base/base.h"

#include <archive.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "import/csv.h"
#include "import/progress.h"

#define CHUNK ((size_t)64 * 1024)

struct csv {
	FILE *file;
	struct archive *in; /* decompresses */
	enum csv_form form;
	size_t most;          /* bytes of a record */
	const char *too_long; /* the fault of a longer one */
	const volatile sig_atomic_t *stop;
	struct progress *progress; /* NULL: not shown */
	int64_t size;
	char *chunk; /* decompressed bytes */
	size_t at;   /* the next of them */
	size_t have;
	bool begun;
	bool ended;
	const char *broken; /* why reading failed */
	char head[16];
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
	bool cut;
};

/* ------------------------------------------------------------------ bytes */

static int
csv_close(struct csv *c)
{
	archive_read_free(c->in);
	fclose(c->file);
	return 0;
}

/* Also reads empty files and those that are not compressed. */
static void
open_filters(struct csv *c)
{
	c->in = mem_need(archive_read_new());
	archive_read_support_format_raw(c->in);
	archive_read_support_format_empty(c->in);
	archive_read_support_filter_gzip(c->in);
	archive_read_support_filter_bzip2(c->in);
	archive_read_support_filter_xz(c->in);
	archive_read_support_filter_zstd(c->in);
}

/* libarchive has no message for the missing end of gzip. */
static void
read_failed(struct csv *c)
{
	const char *why = archive_error_string(c->in);

	c->broken = mem_printf(
	    c, "cannot be read: %s", why ? why : "the file is not complete");
}

struct csv *
csv_new(TALLOC_CTX *mem, FILE *file, enum csv_form form)
{
	struct csv *c = mem_new(mem, struct csv);
	struct archive_entry *entry;
	struct stat st;
	int status;

	c->file = file;
	c->form = form;
	csv_limit(c, CSV_RECORD_MAX, "longer than a megabyte");
	c->line = 1;
	c->chunk = mem_array(c, char, CHUNK);
	if (fileno(file) >= 0 && fstat(fileno(file), &st) == 0)
		c->size = st.st_size;
	open_filters(c);
	talloc_set_destructor(c, csv_close);
	status = archive_read_open_FILE(c->in, file);
	if (status == ARCHIVE_OK)
		status = archive_read_next_header(c->in, &entry);
	c->ended = status == ARCHIVE_EOF;
	if (status != ARCHIVE_OK && status != ARCHIVE_EOF)
		read_failed(c);
	return c;
}

struct csv *
csv_open(TALLOC_CTX *mem, const char *path, enum csv_form form)
{
	FILE *file = fopen(path, "re");
	struct stat st;

	if (file && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		errno = EISDIR;
		return NULL;
	}
	return file ? csv_new(mem, file, form) : NULL;
}

void
csv_limit(struct csv *c, size_t most, const char *too_long)
{
	c->most = most;
	c->too_long = too_long;
}

void
csv_interrupt(struct csv *c, const volatile sig_atomic_t *flag)
{
	c->stop = flag;
}

void
csv_show(struct csv *c, struct progress *progress)
{
	c->progress = progress;
}

int64_t
csv_done(const struct csv *c)
{
	return archive_filter_bytes(c->in, -1);
}

int64_t
csv_size(const struct csv *c)
{
	return c->size;
}

const char *
csv_head(const struct csv *c)
{
	return c->head;
}

bool
csv_has_return(const struct csv *c)
{
	return c->len > 0 && memchr(c->bytes, '\r', c->len) != NULL;
}

/* Reads the next chunk; false: the end, or `broken`. */
static bool
fill(struct csv *c)
{
	ssize_t n;

	if (c->ended || c->broken)
		return false;
	if (c->stop && *c->stop) {
		c->broken = "stopped by a signal";
		return false;
	}
	n = archive_read_data(c->in, c->chunk, CHUNK);
	if (n < 0) {
		read_failed(c);
		return false;
	}
	if (c->progress)
		progress_at(c->progress, csv_done(c));
	c->ended = n == 0;
	c->at = 0;
	c->have = (size_t)n;
	if (!c->begun)
		memcpy(c->head, c->chunk, c->have < 15 ? c->have : 15);
	c->begun = true;
	return n > 0;
}

static int
peek_byte(struct csv *c)
{
	if (c->at == c->have && !fill(c))
		return EOF;
	return (unsigned char)c->chunk[c->at];
}

static int
next_byte(struct csv *c)
{
	int ch = peek_byte(c);

	if (ch != EOF)
		c->at++;
	if (ch == '\n')
		c->line++;
	return ch;
}

/* ----------------------------------------------------------------- fields */

/* Only the first fault of a record is reported. */
static void
set_fault(struct csv *c, const char *why)
{
	if (!c->why)
		c->why = why;
}

static void
add_bytes(struct csv *c, const char *s, size_t n)
{
	size_t room = c->room ? c->room : 4096;

	if (n > c->most - c->len) {
		set_fault(c, c->too_long);
		return;
	}
	while (room < c->len + n)
		room *= 2;
	if (room > c->most)
		room = c->most;
	if (room > c->room)
		c->bytes = mem_grow(c, c->bytes, char, room);
	c->room = room;
	memcpy(c->bytes + c->len, s, n);
	c->len += n;
}

static void
add_byte(struct csv *c, int ch)
{
	char byte = (char)ch;

	if (c->len < c->room)
		c->bytes[c->len++] = byte;
	else
		add_bytes(c, &byte, 1);
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
	int ch;

	for (;;) {
		ch = next_byte(c);
		if (ch == EOF) {
			lose(c, "an unterminated quote");
			return;
		}
		if (c->line - c->begin > CSV_LINES_MAX) {
			lose(c, "a quote that is not closed within 1000 lines");
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
read_fields(struct csv *c)
{
	int ch;

	do
		ch = read_field(c);
	while (ch == ',' && !c->lost);
	c->cut = ch == EOF;
}

/* A line, without its end. */
static void
read_line(struct csv *c)
{
	const char *from, *end = NULL;
	size_t n;

	while (!end && peek_byte(c) != EOF) {
		from = c->chunk + c->at;
		n = c->have - c->at;
		end = memchr(from, '\n', n);
		if (end)
			n = (size_t)(end - from);
		if (!c->why)
			add_bytes(c, from, n);
		c->at += n + (end != NULL);
	}
	c->cut = !end;
	c->line += end != NULL;
	if (c->len > 0 && c->bytes[c->len - 1] == '\r')
		c->len--;
	if (c->len > 0 && memchr(c->bytes, '\0', c->len))
		set_fault(c, "a NUL byte");
	add_byte(c, '\0');
}

/* Divides the line. */
static void
divide(struct csv *c)
{
	char *tab;

	if (c->form != CSV_TABS || c->why)
		return;
	for (tab = strchr(c->bytes, '\t'); tab; tab = strchr(tab + 1, '\t')) {
		size_t next = (size_t)(tab + 1 - c->bytes);

		*tab = '\0';
		if (c->count == CSV_FIELDS_MAX) {
			set_fault(c, "more than 64 fields");
			return;
		}
		c->starts[c->count++] = next;
	}
}

static void
skip_byte_order_mark(struct csv *c)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (c->have - c->at >= 3 && memcmp(c->chunk, mark, 3) == 0)
		c->at += 3;
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
	c->len = 0;
	c->count = 0;
	c->why = NULL;
	c->begin = c->line;
	if (!c->begun && peek_byte(c) != EOF)
		skip_byte_order_mark(c);
	if (peek_byte(c) == EOF)
		return false;
	if (c->form == CSV_COMMAS)
		read_fields(c);
	else {
		begin_field(c);
		read_line(c);
		divide(c);
	}
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
		row->last = c->lost ? c->last : c->line - !c->cut;
		if (c->broken || c->lost) {
			row->why = c->broken ? c->broken : c->why;
			return CSV_FAIL;
		}
		if (!any)
			return CSV_END;
	} while (is_empty_line(c));
	if (!c->why)
		check_texts(c);
	row->why = c->why;
	row->cut = c->cut;
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

const char *
csv_repeated(const struct csv_row *header, const char *const *names, int n)
{
	for (int i = 0; i < n; i++) {
		int found = 0;

		for (int k = 0; k < header->count; k++)
			found += is_named(header->fields[k], names[i]);
		if (found > 1)
			return names[i];
	}
	return NULL;
}
