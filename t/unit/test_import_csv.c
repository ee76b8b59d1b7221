/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comma-separated values: what is a record, what is not, and on which line.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "import/csv.h"
#include "import/progress.h"

static struct csv *
reader(TALLOC_CTX *mem, const char *text, size_t n, enum csv_form form)
{
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text, 1, n, file), n);
	rewind(file);
	return csv_new(mem, file, form);
}

/* What is read, as text: "1:a|b 2!why 3:c" — line, then fields or error. */
static char *
all_in(TALLOC_CTX *mem, enum csv_form form, const char *text, size_t n)
{
	struct csv *c = reader(mem, text, n, form);
	struct csv_row row;
	enum csv_event event;
	struct buf out;

	buf_init(&out, mem, 256);
	while ((event = csv_next(c, &row)) != CSV_END) {
		if (event == CSV_FAIL) {
			buf_printf(
			    &out, " %ld-%ld!!%s", row.line, row.last, row.why);
			break;
		}
		if (out.len > 0)
			buf_putc(&out, ' ');
		buf_printf(
		    &out, "%ld%c", row.line, event == CSV_ROW ? ':' : '!');
		if (event == CSV_BAD)
			buf_puts(&out, row.why);
		for (int i = 0; event == CSV_ROW && i < row.count; i++)
			buf_printf(&out, "%s%s", i ? "|" : "", row.fields[i]);
	}
	cr_expect_eq(csv_done(c), (int64_t)n);
	cr_expect_eq(csv_size(c), (int64_t)n);
	talloc_free(c);
	return out.data;
}

static char *
all_of(TALLOC_CTX *mem, const char *text, size_t n)
{
	return all_in(mem, CSV_COMMAS, text, n);
}

static const struct row {
	const char *text;
	const char *read;
} rows[] = {
	{ "", "" },
	{ "a,b\nc,d\n", "1:a|b 2:c|d" },
	{ "a,b\r\nc,d\r\n", "1:a|b 2:c|d" },
	{ "a,b\nc,d", "1:a|b 2:c|d" },
	{ "a\rb,c\n", "1:a\rb|c" },
	{ "\xef\xbb\xbfid,n\n1,2\n", "1:id|n 2:1|2" },
	{ "\xef\xbb\xbf\"id\",n\n", "1:id|n" },
	{ ",\n", "1:|" },
	{ "a,,c\n", "1:a||c" },
	{ "\n\na\n\n\nb\n", "3:a 6:b" },
	{ "\"\"\n", "" },
	{ "\"a,b\",c\n", "1:a,b|c" },
	{ "\"11'09\"\"01 - September 11 (2002)\",x\n",
	    "1:11'09\"01 - September 11 (2002)|x" },
	{ "\"two\nlines\",x\ny,z\n", "1:two\nlines|x 3:y|z" },
	{ "\"two\r\nlines\"\r\nx\r\n", "1:two\r\nlines 3:x" },
	{ "a\"b,c\nd\n", "1!a quote within an unquoted field 2:d" },
	{ "\"a\"b,c\nd\n", "1!text after the closing quote 2:d" },
	{ "\"a\"\"\"\n", "1:a\"" },
	{ "x\n\"never\nclosed\n", "1:x 2-3!!an unterminated quote" },
	{ "caf\xc3\xa9\n", "1:caf\xc3\xa9" },
	{ "caf\xe9,x\nd\n", "1!not UTF-8 2:d" },
	{ "\xed\xa0\x80\nd\n", "1!not UTF-8 2:d" },
};

static void
check_rows(enum csv_form form, const struct row *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		char *read =
		    all_in(mem, form, all[i].text, strlen(all[i].text));

		cr_expect_str_eq(read, all[i].read, "%zu: \"%s\" not \"%s\"", i,
		    read, all[i].read);
		talloc_free(mem);
	}
}

Test(import_csv, table)
{
	check_rows(CSV_COMMAS, rows, array_len(rows));
}

static const struct row tabs[] = {
	{ "a\tb\nc\td\n", "1:a|b 2:c|d" },
	{ "a\t\r\n\tb", "1:a| 2:|b" },
	{ "\xef\xbb\xbfid\tn\n\n1\t\"two\"\n", "1:id|n 3:1|\"two\"" },
	{ "\"a\tb,c\n", "1:\"a|b,c" },
	{ "caf\xe9\tx\nd\n", "1!not UTF-8 2:d" },
};

static const struct row lines[] = {
	{ "{\"a\": \"b\tc\"}\r\n[1,2]", "1:{\"a\": \"b\tc\"} 2:[1,2]" },
};

Test(import_csv, tabs_and_lines)
{
	check_rows(CSV_TABS, tabs, array_len(tabs));
	check_rows(CSV_LINES, lines, array_len(lines));
}

/* "a\tb\nc\td\n" by gzip */
static const char packed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xe4\x4c\xe2\x4a\xe6\x4c\xe1"
    "\x02\x00\xb0\xa8\x71\x24\x08\x00\x00\x00";

Test(import_csv, compressed)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct csv *c;
	struct csv_row row;
	enum csv_event event;

	cr_expect_str_eq(
	    all_in(mem, CSV_TABS, packed, sizeof packed - 1), "1:a|b 2:c|d");
	c = reader(mem, packed, sizeof packed - 9, CSV_TABS);
	do
		event = csv_next(c, &row);
	while (event == CSV_ROW);
	cr_expect_eq(event, CSV_FAIL);
	cr_expect(strstr(row.why, "cannot be read: "), "%s", row.why);
	talloc_free(mem);
}

Test(import_csv, interrupted)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct csv *c = reader(mem, "a\n", 2, CSV_COMMAS);
	volatile sig_atomic_t flag = 1;
	struct csv_row row;

	csv_interrupt(c, &flag);
	cr_expect_eq(csv_next(c, &row), CSV_FAIL);
	cr_expect_str_eq(row.why, "stopped by a signal");
	talloc_free(mem);
}

Test(import_csv, last_line)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct csv *c = reader(mem, "a\nb", 3, CSV_COMMAS);
	struct csv_row row;

	cr_expect_eq(csv_next(c, &row), CSV_ROW);
	cr_expect_not(row.cut);
	cr_expect_eq(csv_next(c, &row), CSV_ROW);
	cr_expect(row.cut);
	cr_expect_eq(row.last, 2);
	cr_expect_str_eq(csv_head(c), "a\nb");
	talloc_free(mem);
}

Test(import_csv, nul)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	cr_expect_str_eq(all_of(mem, "a\0b\nc\n", 6), "1!a NUL byte 2:c");
	cr_expect_str_eq(all_of(mem, "\"a\0b\"\nc\n", 8), "1!a NUL byte 2:c");
	talloc_free(mem);
}

Test(import_csv, limits)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct buf b;

	buf_init(&b, mem, CSV_RECORD_MAX + 64);
	for (size_t i = 0; i < CSV_RECORD_MAX; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, "\nnext\n");
	cr_expect_str_eq(
	    all_of(mem, b.data, b.len), "1!longer than a megabyte 2:next");
	cr_expect_str_eq(all_in(mem, CSV_TABS, b.data, b.len),
	    "1!longer than a megabyte 2:next");

	buf_cut(&b, 0);
	for (int i = 0; i < CSV_FIELDS_MAX; i++)
		buf_putc(&b, ',');
	buf_puts(&b, "\nnext\n");
	cr_expect_str_eq(
	    all_of(mem, b.data, b.len), "1!more than 64 fields 2:next");
	for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
		b.data[i] = '\t';
	cr_expect_str_eq(all_in(mem, CSV_TABS, b.data, b.len),
	    "1!more than 64 fields 2:next");
	talloc_free(mem);
}

Test(import_csv, columns)
{
	static const char *const names[] = { "movieId", "title" };
	static const char *const more[] = { "title", "genres" };
	struct csv_row header = { .count = 3,
		.fields = { "title", "year", "movieId" } };
	const char *missing = NULL;
	int columns[2];

	cr_assert(csv_columns(&header, names, 2, columns, &missing));
	cr_expect_eq(columns[0], 2);
	cr_expect_eq(columns[1], 0);
	cr_expect_not(csv_columns(&header, more, 2, columns, &missing));
	cr_expect_str_eq(missing, "genres");
}

Test(import_csv, repeated_columns)
{
	static const char *const names[] = { "movieId", "title" };
	struct csv_row header = { .count = 3,
		.fields = { "title", "movieId", " Title" } };

	cr_expect_str_eq(csv_repeated(&header, names, 2), "title");
	cr_expect_null(csv_repeated(&header, names, 1));
}

Test(import_csv, longer_records)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct csv_row row;
	struct csv *c;
	struct buf b;

	buf_init(&b, mem, 2 * CSV_RECORD_MAX + 64);
	for (size_t i = 0; i < 2 * CSV_RECORD_MAX; i++)
		buf_putc(&b, i == 9 ? '\r' : 'x');
	buf_puts(&b, "\n\"");
	c = reader(mem, b.data, b.len, CSV_LINES);
	csv_limit(c, 2 * CSV_RECORD_MAX + 1, "too long");
	cr_assert_eq(csv_next(c, &row), CSV_ROW);
	cr_expect_eq(strlen(row.fields[0]), 2 * CSV_RECORD_MAX);
	cr_expect(csv_has_return(c));
	cr_assert_eq(csv_next(c, &row), CSV_ROW);
	cr_expect_not(csv_has_return(c));
	c = reader(mem, b.data, b.len, CSV_LINES);
	csv_limit(c, 2 * CSV_RECORD_MAX - 1, "too long");
	cr_assert_eq(csv_next(c, &row), CSV_BAD);
	cr_expect_str_eq(row.why, "too long");
	talloc_free(mem);
}

/* Also before the first record ends. */
Test(import_csv, progress)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct csv *c = reader(mem, "\"a\nb", 4, CSV_COMMAS);
	struct progress progress = { .terminal = true, .what = "a step" };
	struct csv_row row;

	csv_show(c, &progress);
	cr_expect_eq(csv_next(c, &row), CSV_FAIL);
	cr_expect_gt(progress.shown_us, 0);
	talloc_free(mem);
}

Test(import_csv, no_such_file)
{
	cr_expect_null(csv_open(NULL, "/nowhere/at.csv", CSV_COMMAS));
	cr_expect_eq(errno, ENOENT);
}
