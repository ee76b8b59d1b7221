/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV files of Letterboxd and IMDb, by their header: a record becomes an object
 * with the names of the columns, in lower case, as keys. So their order and
 * columns that were added later do not matter.
 */
#include "base/base.h"

#include <iconv.h>
#include <strings.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "import/cause.h"
#include "import/csv.h"
#include "import/history_lines.h"

#define LIST_MARK "Letterboxd list export"

struct header {
	int count;
	const char *names[CSV_FIELDS_MAX];
};

static void
read_header(TALLOC_CTX *mem, const struct csv_row *row, struct header *out)
{
	out->count = row->count;
	for (int i = 0; i < row->count; i++)
		out->names[i] =
		    text_trim(mem, text_lower_ascii(mem, row->fields[i]));
}

static bool
has_column(const struct header *header, const char *name)
{
	for (int i = 0; i < header->count; i++) {
		if (strcmp(header->names[i], name) == 0)
			return true;
	}
	return false;
}

/* Which file of Letterboxd it is, if its name does not tell. */
static const char *
letterboxd_part(const struct header *header, const char *name)
{
	static const char *const parts[] = { "ratings", "watched", "watchlist",
		"diary", "reviews" };

	for (size_t i = 0; i < array_len(parts); i++) {
		if (strcmp(name, parts[i]) == 0)
			return parts[i];
	}
	if (has_column(header, "review"))
		return "reviews";
	if (has_column(header, "watched date"))
		return "diary";
	return has_column(header, "rating") ? "ratings" : NULL;
}

/* Member files are not compressed: this one would be decompressed. */
static bool
is_compressed(const char *data, size_t n)
{
	static const char *const magic[] = { "\x1f\x8b", "BZh",
		"\xfd"
		"7zXZ",
		"\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < array_len(magic); i++) {
		if (n >= strlen(magic[i]) &&
		    memcmp(data, magic[i], strlen(magic[i])) == 0)
			return true;
	}
	return false;
}

/* Sets format and part; false: unknown. */
static bool
recognise(struct history_lines *l, TALLOC_CTX *mem, const struct csv_row *row,
    struct header *header)
{
	const char *part = "list";

	read_header(mem, row, header);
	if (strncasecmp(row->fields[0], LIST_MARK, strlen(LIST_MARK)) == 0) {
		l->format = "letterboxd";
		header->count = 0; /* follows */
	} else if (has_column(header, "const")) {
		l->format = "imdb";
		return true;
	} else if (has_column(header, "letterboxd uri")) {
		l->format = "letterboxd";
		part = letterboxd_part(header, l->part);
	} else {
		return false;
	}
	if (part)
		l->part = mem_text(mem, part);
	return part != NULL;
}

static enum err
add_row(struct history_lines *l, TALLOC_CTX *mem, const struct header *header,
    const struct csv_row *row)
{
	struct buf doc;
	struct json j;

	if (row->count != header->count)
		return history_add(l, row->line, row->last, NULL,
		    mem_printf(mem, "%d fields instead of %d", row->count,
			header->count));
	buf_init(&doc, mem, 512);
	json_init(&j, &doc);
	json_object(&j);
	for (int i = 0; i < row->count; i++) {
		json_key(&j, header->names[i]);
		json_text(&j, row->fields[i]);
	}
	json_object_end(&j);
	return history_add(l, row->line, row->last, doc.data, NULL);
}

/* A list has a second header, and the first one is that of its name. */
static bool
is_header(const struct history_lines *l, const struct header *header,
    const struct csv_row *row)
{
	return header->count == 0 ||
	       (strcmp(l->part, "list") == 0 && row->count > 1 &&
		   strcasecmp(row->fields[0], "Position") == 0 &&
		   strcasecmp(row->fields[1], "Name") == 0);
}

static enum err
add_bad(struct history_lines *l, TALLOC_CTX *mem, const struct csv_row *row)
{
	const char *cause = cause_of_row(row);

	return history_add(l, row->line, row->last, NULL,
	    cause ? mem_printf(mem, "%s (%s)", row->why, cause) : row->why);
}

static enum err
add_rows(struct history_lines *l, TALLOC_CTX *mem, struct csv *csv,
    struct header *header, size_t size)
{
	struct csv_row row;
	enum err e = ERR_OK;

	while (!e) {
		TALLOC_CTX *one = mem_need(talloc_new(mem));

		switch (csv_next(csv, &row)) {
		case CSV_ROW:
			l->done = (double)csv_done(csv) / (double)size;
			if (is_header(l, header, &row))
				read_header(mem, &row, header);
			else
				e = add_row(l, one, header, &row);
			break;
		case CSV_BAD:
			e = add_bad(l, one, &row);
			break;
		case CSV_END:
			talloc_free(one);
			return header->count > 0 ?
				   ERR_OK :
				   history_ignore(l, 0, "it has no header");
		case CSV_FAIL:
			e = history_fail(l->h, "broken",
			    "%s:%ld: %s (lines %ld to %ld)", l->file, row.line,
			    row.why, row.line, row.last);
			break;
		}
		talloc_free(one);
	}
	return e;
}

/* A file that is not used: its records are counted. */
static enum err
count_rows(struct history_lines *l, TALLOC_CTX *mem, struct csv *csv,
    struct header *header)
{
	enum csv_event event;
	struct csv_row row;
	long n = 0;

	while ((event = csv_next(csv, &row)) == CSV_ROW || event == CSV_BAD) {
		if (event == CSV_ROW && is_header(l, header, &row))
			read_header(mem, &row, header);
		else
			n++;
	}
	return history_ignore(
	    l, n, "it has neither a column Const (IMDb) nor Letterboxd URI");
}

/*
 * IMDb has written its files in Windows-1252 for some time. The text as UTF-8;
 * NULL: it is no such file.
 */
static char *
from_windows(TALLOC_CTX *mem, const char *data, size_t n, size_t *length)
{
	char *in = (char *)(uintptr_t)data, *text, *out;
	size_t room = 3 * n;
	iconv_t conversion;

	if (text_is_utf8(data, n) || memchr(data, '\0', n) ||
	    !memmem(data, n < 256 ? n : 256, "onst", 4))
		return NULL;
	conversion = iconv_open("UTF-8", "WINDOWS-1252");
	if (conversion == (iconv_t)-1)
		return NULL;
	text = out = mem_array(mem, char, room + 1);
	while (n > 0 && iconv(conversion, &in, &n, &out, &room) == (size_t)-1) {
		if (n == 0)
			break;
		*out++ = '?'; /* a byte without a character */
		room--;
		in++;
		n--;
	}
	iconv_close(conversion);
	*length = (size_t)(out - text);
	return text;
}

enum err
history_csv(struct history_lines *l, TALLOC_CTX *mem, const char *data,
    size_t n, bool ignored)
{
	char *text = from_windows(mem, data, n, &n);
	const char *cause;
	struct header header = { 0 };
	struct csv_row row;
	enum csv_event event;
	struct csv *csv;
	bool known;
	FILE *file;

	if (n == 0)
		return history_ignore(l, 0, "the file is empty");
	if (is_compressed(data, n))
		return history_bad_file(
		    l, 1, "it is compressed, but no ZIP file");
	file = fmemopen(text ? text : (void *)(uintptr_t)data, n, "r");
	mem_need(file);
	csv = csv_new(mem, file, CSV_COMMAS);
	event = csv_next(csv, &row);
	if (event == CSV_END)
		return history_ignore(l, 0, "the file is empty");
	known = event == CSV_ROW && recognise(l, mem, &row, &header);
	if (ignored)
		return count_rows(l, mem, csv, &header);
	cause = cause_of_header(csv, CSV_COMMAS, event == CSV_ROW, &row);
	if (!cause && event != CSV_ROW)
		cause = row.why;
	if (cause)
		return history_bad_file(l, row.line, cause);
	if (!known)
		return count_rows(l, mem, csv, &header);
	l->known = true;
	return add_rows(l, mem, csv, &header, n);
}
