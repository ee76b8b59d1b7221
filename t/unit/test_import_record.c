/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records: strict JSON, and every type of member with what it refuses.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "import/record.h"

static const struct record_field fields[] = {
	{ "slug", R_SLUG, true, 8, NULL },
	{ "title", R_NAME, false, 5, NULL },
	{ "text", R_TEXT, false, 0, NULL },
	{ "user", R_USERNAME, false, 0, NULL },
	{ "email", R_EMAIL, false, 0, NULL },
	{ "lang", R_CHOICE, false, 0, "|en|es|" },
	{ "date", R_DATE, false, 0, NULL },
	{ "time", R_TIME, false, 0, NULL },
	{ "gender", R_INT, false, 3, NULL },
	{ "popularity", R_NUMBER, false, 0, NULL },
	{ "good", R_BOOL, false, 0, NULL },
	{ "genres", R_SLUGS, false, 0, NULL },
	{ "names", R_TEXTS, false, 4, NULL },
	{ "titles", R_TITLES, false, 0, NULL },
	{ 0 },
};

static const char *
verdict(TALLOC_CTX *mem, const char *line)
{
	const char *why;
	struct json_object *record =
	    record_parse(mem, line, strlen(line), &why);

	if (!record)
		return why;
	why = record_check(mem, record, fields);
	return why ? why : "good";
}

/* Members that go behind {"slug":"a", and what is said of them. */
static const struct row {
	const char *members;
	const char *verdict;
} rows[] = {
	{ "\"title\":\"\xc3\xa9t\xc3\xa9!!\"", "good" },
	{ "\"title\":\"123456\"", "title has more than 5 characters" },
	{ "\"title\":\" \\t\"", "title is blank" },
	{ "\"title\":\"\"", "good" },
	{ "\"title\":null", "good" },
	{ "\"title\":5", "title has the wrong type" },
	{ "\"colour\":\"red\"", "unknown member \"colour\"" },
	{ "\"text\":\"a\\u0000b\"", "NUL in a text" },
	{ "\"user\":\"ana+1@x\"", "good" },
	{ "\"user\":\"a b\"", "user \"a b\" is invalid" },
	{ "\"email\":\"ana@example.org\"", "good" },
	{ "\"email\":\"ana\"", "email \"ana\" is invalid" },
	{ "\"lang\":\"es\"", "good" },
	{ "\"lang\":\"it\"", "lang \"it\" is invalid" },
	{ "\"lang\":\"en|es\"", "lang \"en|es\" is invalid" },
	{ "\"date\":\"2024-02-29\"", "good" },
	{ "\"date\":\"2023-02-29\"", "date \"2023-02-29\" is invalid" },
	{ "\"date\":\"1900-02-29\"", "date \"1900-02-29\" is invalid" },
	{ "\"date\":\"2023-13-01\"", "date \"2023-13-01\" is invalid" },
	{ "\"date\":\"2023-1-01\"", "date \"2023-1-01\" is invalid" },
	{ "\"date\":\"0000-01-01\"", "date \"0000-01-01\" is invalid" },
	{ "\"time\":\"2025-01-31T23:59:59Z\"", "good" },
	{ "\"time\":\"2025-01-31T24:00:00Z\"",
	    "time \"2025-01-31T24:00:00Z\" is invalid" },
	{ "\"time\":\"2025-01-31 23:59:59Z\"",
	    "time \"2025-01-31 23:59:59Z\" is invalid" },
	{ "\"gender\":3", "good" },
	{ "\"gender\":\"2\"", "good" },
	{ "\"gender\":4", "gender is not a number from 0 to 3" },
	{ "\"gender\":-1", "gender is not a number from 0 to 3" },
	{ "\"gender\":\"x\"", "gender is not a number from 0 to 3" },
	{ "\"popularity\":1.5", "good" },
	{ "\"popularity\":\"1.5\"", "popularity has the wrong type" },
	{ "\"good\":true", "good" },
	{ "\"good\":1", "good has the wrong type" },
	{ "\"genres\":[\"drama\",\"war\"]", "good" },
	{ "\"genres\":[\"drama\",3]", "genres has an invalid slug" },
	{ "\"genres\":[\"a b\"]", "genres has an invalid slug" },
	{ "\"genres\":\"drama\"", "genres has the wrong type" },
	{ "\"names\":{\"es\":\"uno\",\"fr\":\"un\"}", "good" },
	{ "\"names\":{\"es\":\"cinco\"}", "names: es is too long" },
	{ "\"names\":{\"it\":\"uno\"}", "names: language \"it\"" },
	{ "\"names\":{\"es\":1}", "names: es has the wrong type" },
	{ "\"titles\":{\"es\":{\"title\":\"t\",\"synopsis\":\"\"}}", "good" },
	{ "\"titles\":{\"es\":{\"synopsis\":\"s\"}}",
	    "titles: title is missing" },
	{ "\"titles\":{\"es\":\"t\"}", "titles: es has the wrong type" },
};

Test(import_record, members)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	for (size_t i = 0; i < array_len(rows); i++) {
		const char *said =
		    verdict(mem, talloc_asprintf(mem, "{\"slug\":\"a\",%s}",
				     rows[i].members));

		cr_expect_str_eq(
		    said, rows[i].verdict, "%s: \"%s\"", rows[i].members, said);
	}
	talloc_free(mem);
}

Test(import_record, json)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	cr_expect_str_eq(verdict(mem, "{}"), "slug is missing");
	cr_expect_str_eq(
	    verdict(mem, "{\"slug\":\"\"}"), "slug \"\" is invalid");
	cr_expect_str_neq(verdict(mem, "{\"slug\":\"a\"} x"), "good");
	cr_expect_str_neq(verdict(mem, "{\"slug\":\"a\"}{}"), "good");
	cr_expect_str_eq(
	    verdict(mem, "{\"slug\":\"a\""), "the JSON is not complete");
	cr_expect_str_eq(verdict(mem, "[1]"), "not a JSON object");
	cr_expect_str_eq(verdict(mem, "null"), "not a JSON object");
	cr_expect_str_eq(verdict(mem, "5 "), "not a JSON object");
	cr_expect_str_eq(verdict(mem, "nul"), "the JSON is not complete");
	cr_expect(
	    strncmp(verdict(mem, "{'slug':'a'}"), "invalid JSON: ", 14) == 0);
	cr_expect(strncmp(verdict(mem, "{\"slug\":\"\xff\"}"),
		      "invalid JSON: ", 14) == 0);
	cr_expect(strncmp(verdict(mem, "{\"slug\":\"a\",}"),
		      "invalid JSON: ", 14) == 0);
	talloc_free(mem);
}
