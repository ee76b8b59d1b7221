/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows to JSON: each kind of column, and the two envelopes of lists. The
 * results are made here, without a database.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>

#include "api/page.h"
#include "api/shape.h"
#include "auth/account.h"
#include "base/mem.h"
#include "http/field.h"
#include "http/reply.h"
#include "http_world.h"

#define COLUMNS_MAX 12

static PGresult *result;

static void
begin(void)
{
	mem_init();
}

static void
end(void)
{
	PQclear(result);
}

TestSuite(page, .init = begin, .fini = end);

/* A result with these columns, all text, and no row yet. */
static void
make_result(const char *const *names)
{
	PGresAttDesc columns[COLUMNS_MAX] = { 0 };
	int n;

	for (n = 0; names[n]; n++) {
		cr_assert(n < COLUMNS_MAX);
		columns[n].name = (char *)(uintptr_t)names[n];
		columns[n].typid = 25;
		columns[n].typlen = -1;
	}
	result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	cr_assert(PQsetResultAttrs(result, n, columns));
}

/* Sets one value; NULL is NULL. The row after the last is made thereby. */
static void
put(int row, int column, const char *value)
{
	char *copy = value ? mem_text(NULL, value) : NULL;

	cr_assert(PQsetvalue(
	    result, row, column, copy, copy ? (int)strlen(copy) : -1));
	talloc_free(copy);
}

static struct rows
all_rows(void)
{
	return (struct rows){ result, PQntuples(result) };
}

/* ---------------------------------------------------------------- shapes */

static const char *const all_names[] = { "n", "text", "prose", "yes", "day",
	"at", "list", NULL };

static const struct column all_kinds[] = {
	{ "id", C_INT, "n" },
	{ "text", C_TEXT, NULL },
	{ "prose", C_PROSE, NULL },
	{ "yes", C_BOOL, NULL },
	{ "day", C_DATE, NULL },
	{ "at", C_TIME, NULL },
	{ "list", C_JSON, NULL },
	{ "nothing", C_NULL, NULL },
	{ 0 },
};

Test(page, every_kind_of_column)
{
	static const char *const values[] = { "-7", "\"a\"", "a <b", "t",
		"2024-02-29", "1700000000000001", "[1, {\"a\": null}]" };
	struct req *r = world_request("GET", "/api/movies/");
	struct row row;

	make_result(all_names);
	for (size_t i = 0; i < array_len(values); i++)
		put(0, (int)i, values[i]);
	row = (struct row){ result, 0 };
	cr_expect_eq(reply_row(r, 201, &row, all_kinds), ERR_OK);
	cr_expect_eq(r->answer.status, 201);
	cr_expect_str_eq(r->answer.body.data,
	    "{\"id\":-7,\"text\":\"\\\"a\\\"\",\"prose\":\"a <\xe2\x81\xa0"
	    "b\","
	    "\"yes\":true,\"day\":\"2024-02-29\","
	    "\"at\":\"2023-11-14T22:13:20.000001+00:00\","
	    "\"list\":[1, {\"a\": null}],\"nothing\":null}");
	talloc_free(r->mem);
}

Test(page, null_is_null_whatever_the_kind)
{
	struct req *r = world_request("GET", "/api/movies/");
	struct rows rows;

	make_result(all_names);
	for (int i = 0; all_names[i]; i++)
		put(0, i, NULL);
	rows = all_rows();
	cr_expect_eq(reply_rows(r, &rows, all_kinds), ERR_OK);
	cr_expect_eq(r->answer.status, 200);
	cr_expect_str_eq(r->answer.body.data,
	    "[{\"id\":null,\"text\":null,\"prose\":null,\"yes\":null,"
	    "\"day\":null,\"at\":null,\"list\":null,\"nothing\":null}]");
	talloc_free(r->mem);
}

Test(page, a_list_without_rows)
{
	struct req *r = world_request("GET", "/api/movies/");
	struct rows rows;

	make_result(all_names);
	rows = all_rows();
	cr_expect_eq(reply_rows(r, &rows, all_kinds), ERR_OK);
	cr_expect_str_eq(r->answer.body.data, "[]");
	talloc_free(r->mem);
}

/* A shape and a statement that do not fit are a bug, not an empty key. */
Test(page, a_column_that_is_not_there, .signal = SIGABRT)
{
	static const char *const names[] = { "other", NULL };
	struct req *r = world_request("GET", "/api/movies/");
	struct row row;

	make_result(names);
	put(0, 0, "1");
	row = (struct row){ result, 0 };
	(void)reply_row(r, 200, &row, all_kinds);
}

/* ------------------------------------------------------------- envelopes */

static const struct field two_input[] = {
	{ "page", FROM_QUERY, T_PAGE, 0, .def = 1 },
	{ "limit", FROM_QUERY, T_LIMIT, 0, .def = 2 },
	{ 0 },
};

static const struct column id_shape[] = { { "id", C_INT, NULL }, { 0 } };

/* Rows with ids from `first` down, each with the total and the page. */
static struct rows
make_rows(int n, int first, const char *total, const char *page)
{
	static const char *const names[] = { "id", "total", "page", NULL };

	make_result(names);
	for (int i = 0; i < n; i++) {
		char *id = mem_printf(NULL, "%d", first - i);

		put(i, 0, id);
		put(i, 1, total);
		put(i, 2, page);
		talloc_free(id);
	}
	return all_rows();
}

static struct req *
request_with(const char *uri)
{
	struct req *r = world_request("GET", uri);

	world_route(r, STYLE_ERROR, two_input);
	cr_assert_eq(field_read_query(r), ERR_OK);
	return r;
}

static void
page_is(int n, const char *total, const char *page, const char *body)
{
	struct req *r = request_with("/api/movies/");
	struct rows rows = make_rows(n, 9, total, page);

	cr_expect_eq(reply_page_rows(r, &rows, id_shape), ERR_OK);
	cr_expect_str_eq(r->answer.body.data, body);
	talloc_free(r->mem);
}

Test(page, of_none)
{
	page_is(0, "0", "1",
	    "{\"results\":[],\"total_pages\":1,\"count\":0,\"count_exact\":true,"
	    "\"has_next\":false,\"has_previous\":false,\"current_page\":1}");
}

Test(page, the_first)
{
	page_is(2, "5", "1",
	    "{\"results\":[{\"id\":9},{\"id\":8}],\"total_pages\":3,"
	    "\"count\":5,\"count_exact\":true,\"has_next\":true,\"has_previous\":false,"
	    "\"current_page\":1}");
}

Test(page, the_last)
{
	page_is(1, "5", "3",
	    "{\"results\":[{\"id\":9}],\"total_pages\":3,\"count\":5,"
	    "\"count_exact\":true,\"has_next\":false,\"has_previous\":true,"
	    "\"current_page\":3}");
}

Test(page, the_last_that_is_full)
{
	page_is(2, "4", "2",
	    "{\"results\":[{\"id\":9},{\"id\":8}],\"total_pages\":2,"
	    "\"count\":4,\"count_exact\":true,\"has_next\":false,\"has_previous\":true,"
	    "\"current_page\":2}");
}

Test(page, of_more_than_are_counted)
{
	page_is(1, "10001", "5000",
	    "{\"results\":[{\"id\":9}],\"total_pages\":5000,"
	    "\"count\":10000,\"count_exact\":false,\"has_next\":false,"
	    "\"has_previous\":true,\"current_page\":5000}");
}

static void
cursor_is(const char *uri, int n, const char *total, const char *body)
{
	struct req *r = request_with(uri);
	struct rows rows = make_rows(n, 9, total, "1");

	cr_expect_eq(reply_cursor_rows(r, &rows, id_shape), ERR_OK);
	cr_expect_str_eq(r->answer.body.data, body);
	talloc_free(r->mem);
}

Test(page, cursor_of_none)
{
	cursor_is("/api/movies/", 0, "0",
	    "{\"results\":[],\"next_last_id\":null,\"count\":0,\"count_exact\":true}");
}

/* The row too many says that there is more, and is not shown. */
Test(page, cursor_with_more)
{
	cursor_is("/api/movies/", 3, "7",
	    "{\"results\":[{\"id\":9},{\"id\":8}],\"next_last_id\":8,"
	    "\"count\":7,\"count_exact\":true}");
}

Test(page, cursor_whose_last_page_is_full)
{
	cursor_is("/api/movies/?limit=3", 3, "3",
	    "{\"results\":[{\"id\":9},{\"id\":8},{\"id\":7}],"
	    "\"next_last_id\":null,\"count\":3,\"count_exact\":true}");
}

/* A page past the end of matches that exist, or of a cursor past the last. */
Test(page, a_list_without_items_has_its_count)
{
	struct req *r = request_with("/api/movies/");
	struct rows rows = make_rows(1, 9, "7", "4");

	PQsetvalue(result, 0, 0, NULL, -1);
	cr_expect_eq(reply_cursor_rows(r, &rows, id_shape), ERR_OK);
	cr_expect_str_eq(r->answer.body.data,
	    "{\"results\":[],\"next_last_id\":null,\"count\":7,"
	    "\"count_exact\":true}");
	talloc_free(r->mem);
	r = request_with("/api/movies/");
	cr_expect_eq(reply_page_rows(r, &rows, id_shape), ERR_OK);
	cr_expect_str_eq(r->answer.body.data,
	    "{\"results\":[],\"total_pages\":4,\"count\":7,"
	    "\"count_exact\":true,\"has_next\":false,"
	    "\"has_previous\":true,\"current_page\":4}");
	talloc_free(r->mem);
}
