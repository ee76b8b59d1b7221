/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns by name and number, NULLs, types, and results that end with their
 * memory.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "db/conn.h"
#include "db/query.h"
#include "db/row.h"
#include "db/sqlstate.h"
#include "db_world.h"

TestSuite(row, .init = world_open, .fini = world_close);

static PGresult *result;

/* The first row of a query. */
static struct row
row_of(const char *query)
{
	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(conn_command(db, "test", query, &result), ERR_OK);
	return (struct row){ result, 0 };
}

Test(row, types_by_name)
{
	struct row row = row_of(
	    "SELECT 9223372036854775807::bigint AS id, -7::smallint AS n,"
	    "       true AS yes, false AS no, 0.1::double precision AS d,"
	    "       'ni\u00f1o'::text AS t, '{\"a\": 1}'::jsonb AS j");

	cr_expect_eq(row_id(&row, "id"), INT64_MAX);
	cr_expect_eq(row_int(&row, "n"), -7);
	cr_expect(row_bool(&row, "yes"));
	cr_expect_not(row_bool(&row, "no"));
	cr_expect_eq(row_double(&row, "d"), 0.1);
	cr_expect_str_eq(row_text(&row, "t"), "ni\u00f1o");
	cr_expect_str_eq(row_text(&row, "j"), "{\"a\": 1}");
	PQclear(result);
}

Test(row, arrays)
{
	struct row row = row_of(
	    "SELECT ARRAY[3, -9223372036854775808, 7]::bigint[] AS ids,"
	    "       '{}'::bigint[] AS none, NULL::bigint[] AS nothing,"
	    "       ARRAY['a', '', 'a,b', '{}', 'q\"\\', 'NULL', ' '] AS texts,"
	    "       '{}'::text[] AS no_texts");
	const char *const *texts;
	int64_t *ids;
	size_t n;

	ids = row_id_array(mem, &row, "ids", &n);
	cr_assert_eq(n, 3);
	cr_expect_eq(ids[0], 3);
	cr_expect_eq(ids[1], INT64_MIN);
	cr_expect_eq(ids[2], 7);
	(void)row_id_array(mem, &row, "none", &n);
	cr_expect_eq(n, 0);
	(void)row_id_array(mem, &row, "nothing", &n);
	cr_expect_eq(n, 0);
	texts = row_text_array(mem, &row, "texts", &n);
	cr_assert_eq(n, 7);
	cr_expect_str_eq(texts[0], "a");
	cr_expect_str_eq(texts[1], "");
	cr_expect_str_eq(texts[2], "a,b");
	cr_expect_str_eq(texts[3], "{}");
	cr_expect_str_eq(texts[4], "q\"\\");
	cr_expect_str_eq(texts[5], "NULL");
	cr_expect_str_eq(texts[6], " ");
	(void)row_text_array(mem, &row, "no_texts", &n);
	cr_expect_eq(n, 0);
	PQclear(result);
}

Test(row, by_number)
{
	struct row row = row_of("SELECT 1::bigint AS a, 'xyz' AS b, 2.5 AS c");

	cr_expect_eq(row_columns(&row), 3);
	cr_expect_str_eq(row_column_name(&row, 1), "b");
	cr_expect_eq(row_column(&row, "c"), 2);
	cr_expect_eq(row_column(&row, "d"), -1);
	cr_expect_eq(row_id_at(&row, 0), 1);
	cr_expect_str_eq(row_text_at(&row, 1), "xyz");
	cr_expect_eq(row_length_at(&row, 1), 3);
	cr_expect_eq(row_double_at(&row, 2), 2.5);
	PQclear(result);
}

Test(row, null_is_nothing)
{
	struct row row = row_of("SELECT NULL::bigint AS a, 1 AS b");
	size_t n = 9;

	cr_expect(row_is_null(&row, "a"));
	cr_expect_not(row_is_null(&row, "b"));
	cr_expect_eq(row_id(&row, "a"), 0);
	cr_expect_eq(row_int(&row, "a"), 0);
	cr_expect_eq(row_double(&row, "a"), 0);
	cr_expect_not(row_bool(&row, "a"));
	cr_expect_null(row_text(&row, "a"));
	cr_expect_null(row_bytes(mem, &row, "a", &n));
	cr_expect_eq(n, 0);
	PQclear(result);
}

Test(row, bytes)
{
	struct row row =
	    row_of("SELECT '\\x00ff10'::bytea AS b, ''::bytea AS e");
	size_t n;
	unsigned char *p;

	p = row_bytes(mem, &row, "b", &n);
	cr_assert_eq(n, 3);
	cr_expect(p[0] == 0x00 && p[1] == 0xff && p[2] == 0x10);
	cr_expect_not_null(row_bytes(mem, &row, "e", &n));
	cr_expect_eq(n, 0);
	PQclear(result);
}

Test(row, all_of_them)
{
	struct rows rows;
	struct row row;

	sql("INSERT INTO genre (name, slug) SELECT 'G' || i, 'g' || i"
	    "  FROM generate_series(1, 3) AS i");
	cr_assert_eq(
	    query_all(mem, db, &rows, SQL_genre_list, arg_text("en")), ERR_OK);
	cr_assert_eq(rows.count, 3);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		cr_expect_eq(row_text(&row, "slug")[1], '1' + i);
	}
}

Test(row, result_hangs_on_memory)
{
	TALLOC_CTX *request = talloc_new(mem);
	size_t before = talloc_total_blocks(db);
	struct row row;

	for (int i = 0; i < 100; i++)
		cr_assert_eq(
		    query_one(request, db, &row, SQL_db_alive, NO_ARGS),
		    ERR_OK);
	cr_expect_eq(talloc_total_blocks(request), 1 + 100);
	cr_expect_leq(talloc_total_blocks(db), before + 1);
	talloc_free(request);
}

Test(row, unknown_column_is_a_bug, .signal = SIGABRT)
{
	struct row row = row_of("SELECT 1 AS a");

	(void)row_id(&row, "b");
}

Test(row, wrong_type_is_a_bug, .signal = SIGABRT)
{
	struct row row = row_of("SELECT 'x' AS a");

	(void)row_id(&row, "a");
}

Test(row, too_wide_is_a_bug, .signal = SIGABRT)
{
	struct row row = row_of("SELECT 3000000000::bigint AS a");

	(void)row_int(&row, "a");
}
