/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of an import as text and as JSON, and likely causes.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "import/cause.h"
#include "import/report.h"

static void
fill(struct report *r, TALLOC_CTX *mem)
{
	const struct report_at filtered = { REPORT_FILTERED, "a.csv", "year", 8,
		0 };
	const struct report_at record = { REPORT_SKIPPED, "b.csv", "bad line",
		3, 5 };

	report_init(r, mem);
	report_tally(r, "films")->read = 10;
	report_tally(r, "films")->skipped = 4;
	report_tally(r, "films")->filtered = 2;
	for (long line = 2; line < 5; line++)
		report_skip(r, "a.csv", line, "bad line", "not UTF-8");
	report_skip(r, "a.csv", 5, "bad line", "2 fields instead of 3");
	report_add(r, &record, "longer than %s", "a megabyte");
	report_drop(r, "a.csv", 7, "bad date", "\"x\" is not a date");
	report_count(r, &filtered, 2);
	report_cause(r, "a.csv", 2, "the encoding");
	report_cause(r, "a.csv", 3, "the encoding");
	report_cause(r, "a.csv", 3, NULL);
}

static char *
printed(TALLOC_CTX *mem, const struct report *r,
    void (*print)(const struct report *, FILE *))
{
	char *text = mem_array(mem, char, 16384);
	FILE *to = fmemopen(text, 16384, "w");

	print(r, to);
	fclose(to);
	return text;
}

Test(import_report, text)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct report *r = mem_new(mem, struct report);

	fill(r, mem);
	cr_expect_str_eq(printed(mem, r, report_print_notes),
	    "a.csv:2-4: skipped: not UTF-8\n"
	    "a.csv:5: skipped: 2 fields instead of 3\n"
	    "b.csv:3-5: skipped: longer than a megabyte\n"
	    "a.csv:7: dropped: \"x\" is not a date\n"
	    "a.csv:2: likely cause (and of others): the encoding\n");
	cr_expect_str_eq(printed(mem, r, report_print),
	    "                         read      added    changed      there"
	    "    skipped   filtered\n"
	    "films                      10          0          0          4"
	    "          4          2\n"
	    "skipped, bad line: 4 (a.csv:2-5)\n"
	    "skipped, bad line: 1 (b.csv:3-5)\n"
	    "dropped, bad date: 1 (a.csv:7)\n"
	    "filtered, year: 2 (a.csv:8)\n");
	talloc_free(mem);
}

Test(import_report, json)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct report *r = mem_new(mem, struct report);
	struct json j;
	struct buf b;

	fill(r, mem);
	buf_init(&b, mem, 4096);
	json_init(&j, &b);
	json_object(&j);
	report_json(r, &j);
	json_object_end(&j);
	cr_expect(
	    strstr(b.data,
		"\"skipped\":{\"total\":5,\"by_reason\":{\"bad line\":5},"
		"\"first\":[{\"file\":\"a.csv\",\"line\":2,\"last_line\":4,"
		"\"reason\":\"not UTF-8\"},"),
	    "%s", b.data);
	cr_expect(strstr(b.data,
	    "\"dropped\":{\"total\":1,\"by_reason\":{\"bad date\":1},"
	    "\"first\":[{\"file\":\"a.csv\",\"line\":7,"));
	cr_expect(strstr(
	    b.data, "\"filtered\":{\"total\":2,\"by_reason\":{\"year\":2}}"));
	cr_expect(strstr(b.data,
	    "\"causes\":[{\"file\":\"a.csv\",\"line\":2,\"count\":2,"
	    "\"cause\":\"the encoding\"}]"));
	talloc_free(mem);
}

/* What is not stored is counted. */
Test(import_report, many)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct report *r = mem_new(mem, struct report);
	char *text;

	report_init(r, mem);
	for (long i = 0; i < 3 * REPORT_NOTES; i++)
		report_skip(r, "a.csv", 2 * i, "bad line", "x");
	cr_expect_eq(r->total[REPORT_SKIPPED], 3 * REPORT_NOTES);
	text = printed(mem, r, report_print_notes);
	cr_expect(strstr(text, "… and 200 more\n"));
	for (long i = 6 * REPORT_NOTES; i < 9 * REPORT_NOTES; i++)
		report_skip(r, "b.csv", i, "bad line", "x");
	cr_expect(
	    strstr(printed(mem, r, report_print_notes), "… and 500 more\n"));
	talloc_free(mem);
}

Test(import_report, causes_of_values)
{
	static const struct {
		const char *value;
		const char *cause;
	} cases[] = {
		{ "114709.0", "spreadsheet" },
		{ "tt0114709.0", "spreadsheet" },
		{ "1.14709E+05", "spreadsheet" },
		{ "22/11/1995", "rewritten the dates" },
		{ "11.22.95", "rewritten the dates" },
		{ "3,5", "decimal comma" },
		{ "[{'id': 16, 'name': 'Animation'}]", "Python" },
		{ "\"tt0114709\"", "in quotes" },
	};
	static const char *const none[] = { "", "x", "tt", "1995", "3.5", "[]",
		"1e5x" };

	for (size_t i = 0; i < array_len(cases); i++) {
		const char *cause = cause_of_value(cases[i].value);

		cr_expect(cause && strstr(cause, cases[i].cause), "%s: %s",
		    cases[i].value, cause ? cause : "none");
	}
	for (size_t i = 0; i < array_len(none); i++)
		cr_expect_null(cause_of_value(none[i]), "%s", none[i]);
}

static const char *
header_cause(TALLOC_CTX *mem, const char *text, size_t n)
{
	FILE *file = tmpfile();
	struct csv_row row = { 0 };
	struct csv *c;
	bool ok;

	cr_assert_eq(fwrite(text, 1, n, file), n);
	rewind(file);
	c = csv_new(mem, file, CSV_COMMAS);
	ok = csv_next(c, &row) == CSV_ROW;
	return cause_of_header(c, CSV_COMMAS, ok, &row);
}

Test(import_report, causes_of_headers)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	cr_expect_str_eq(header_cause(mem, "a;b\n", 4),
	    "the fields are separated by semicolons");
	cr_expect_str_eq(
	    header_cause(mem, "a\tb\n", 4), "the fields are separated by tabs");
	cr_expect_str_eq(header_cause(mem,
			     "\xff\xfe"
			     "a\0,\0b\0\n\0",
			     10),
	    "the encoding is UTF-16");
	cr_expect_str_eq(header_cause(mem, "<!DOCTYPE html>\n", 16),
	    "it is a web page: the download has failed");
	cr_expect_str_eq(header_cause(mem, "PK\x03\x04,\n", 6),
	    "it is a ZIP archive or the file of a spreadsheet program");
	cr_expect(strstr(header_cause(mem, "titl\xe9,b\n", 8), "Latin-1"));
	cr_expect(strstr(header_cause(mem, "sep=,\na,b\n", 10), "sep="));
	cr_expect(strstr(header_cause(mem, "a,b\r1,2\r", 8), "with CR"));
	cr_expect_null(header_cause(mem, "a,b\n", 4));
	cr_expect_null(header_cause(mem, "", 0));
	talloc_free(mem);
}
