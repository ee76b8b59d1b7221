/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a transaction touched is reported: exactly that, after its commit, and
 * nothing of a transaction that failed.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/pipeline.h"
#include "db/query.h"
#include "db/sqlstate.h"
#include "db/tx.h"
#include "db_world.h"

static struct buf reported; /* "kind:key " of each report */
static bool others_see_it;

static void
report(void *arg, const struct db_touch *rows, size_t n)
{
	cr_assert_eq(arg, (void *)&reported);
	if (!rows)
		buf_puts(&reported, "-:- ");
	for (size_t i = 0; i < n; i++)
		buf_printf(&reported, "%s:%s ", rows[i].kind, rows[i].key);
	others_see_it =
	    strcmp(sql_value("SELECT count(*) > 0 FROM rating"), "t") == 0;
}

static void
open_pipeline(void)
{
	world_open();
	sql("INSERT INTO account (id, username, email)"
	    " VALUES (1, 'ana', 'ana@example.org');"
	    "INSERT INTO movie (id, slug, title) VALUES (1, 'm', 'M'),"
	    " (2, 'n', 'N');"
	    "DELETE FROM touch");
	buf_init(&reported, mem, 64);
	db_on_touched(db, report, &reported);
}

TestSuite(pipeline, .init = open_pipeline, .fini = world_close);

static enum err
rate(const char *movie, int stars)
{
	struct row row;

	return query_one(mem, db, &row, SQL_rating_insert, arg_id(1),
	    arg_text("ana"), arg_text(movie), arg_int(stars));
}

Test(pipeline, a_write_is_reported_after_its_commit)
{
	struct row row;

	cr_assert_eq(query_one(mem, db, &row, SQL_rating_insert, arg_id(1),
			 arg_text("ana"), arg_text("m"), arg_int(4)),
	    ERR_OK);
	cr_expect_eq(row_int(&row, "rating"), 4);
	cr_expect_str_eq(reported.data, "user:1 ");
	cr_expect(others_see_it);
}

Test(pipeline, the_touches_of_others_are_not_reported)
{
	sql("INSERT INTO touch (kind, key) VALUES ('user', '7')");
	cr_assert_eq(rate("m", 4), ERR_OK);
	cr_assert_eq(rate("n", 4), ERR_OK);
	cr_expect_str_eq(reported.data, "user:1 user:1 ");
}

Test(pipeline, a_read_reports_nothing)
{
	struct row row;

	cr_assert_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_eq(reported.len, 0);
	cr_expect_not(db->prepared[SQL_touch_of_transaction]);
}

Test(pipeline, a_failure_reports_nothing_and_keeps_its_name)
{
	cr_expect_eq(rate("m", 6), ERR_INVALID);
	cr_expect_str_eq(db_constraint(db), "rating_range");
	cr_expect_eq(reported.len, 0);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "0");
	cr_expect_eq(rate("m", 5), ERR_OK, "the connection is usable");
	cr_expect_str_eq(reported.data, "user:1 ");
}

static PGresult *results[2];

static enum err
run_both(const char *first, const char *second)
{
	const struct step steps[] = {
		{ .name = "first", .sql = first },
		{ .name = "second", .sql = second },
	};

	cr_assert_eq(db_ready(db), ERR_OK);
	return pipeline_run(db, steps, 2, results);
}

Test(pipeline, a_failing_second_step_undoes_the_first)
{
	static const char insert[] =
	    "INSERT INTO rating (user_id, movie_id, rating) VALUES (1, 1, 5)";

	cr_expect_eq(
	    run_both(insert, "INSERT INTO rating (user_id, movie_id, rating)"
			     " VALUES (1, 2, 6)"),
	    ERR_INVALID);
	cr_expect_str_eq(db_constraint(db), "rating_range");
	cr_expect(strstr(db_error(db), "second: "));
	cr_expect_null(results[0]);
	cr_expect_null(results[1]);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "0");
	cr_expect_eq(PQtransactionStatus(db->conn), PQTRANS_IDLE);
	cr_expect_eq(PQpipelineStatus(db->conn), PQ_PIPELINE_OFF);
	cr_assert_eq(run_both(insert, "SELECT 7"), ERR_OK);
	cr_expect_str_eq(PQgetvalue(results[1], 0, 0), "7");
	PQclear(results[0]);
	PQclear(results[1]);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "1");
}

/* The commit itself fails: a constraint that is checked only then. */
Test(pipeline, a_failing_commit_reports_nothing)
{
	sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
	    " $$ BEGIN RAISE unique_violation; END $$;"
	    "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON rating"
	    " DEFERRABLE INITIALLY DEFERRED"
	    " FOR EACH ROW EXECUTE FUNCTION refuse()");
	cr_expect_eq(rate("m", 5), ERR_CONFLICT);
	cr_expect_eq(reported.len, 0);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "0");
	sql("DROP TRIGGER refuse ON rating");
	cr_expect_eq(rate("m", 5), ERR_OK);
}

Test(pipeline, a_lost_connection_is_not_tried_again)
{
	sql("CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
	    " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid());"
	    " RETURN NULL; END $$;"
	    "CREATE TRIGGER leave AFTER INSERT ON rating"
	    " FOR EACH ROW EXECUTE FUNCTION leave()");
	cr_expect_eq(rate("m", 5), ERR_UNAVAILABLE);
	cr_expect_eq(reported.len, 0);
	cr_expect_null(db->conn);
	sql("DROP TRIGGER leave ON rating");
	cr_expect_eq(rate("m", 5), ERR_OK);
	cr_expect_str_eq(reported.data, "user:1 ");
}

Test(pipeline, prepared_statements_that_are_gone_are_prepared_again)
{
	cr_assert_eq(rate("m", 5), ERR_OK);
	cr_assert_eq(conn_command(db, "test", "DEALLOCATE ALL", NULL), ERR_OK);
	cr_expect_eq(rate("n", 5), ERR_OK);
	cr_expect_str_eq(reported.data, "user:1 user:1 ");
}

/* Lets each new rating touch so many accounts more. */
static void
touch_more(int n)
{
	sql(mem_printf(mem,
	    "CREATE OR REPLACE FUNCTION more() RETURNS trigger"
	    " LANGUAGE plpgsql AS"
	    " $$ BEGIN INSERT INTO touch (kind, key)"
	    " SELECT 'account', 'x' FROM generate_series(1, 20000)"
	    " UNION ALL SELECT 'account', g::text"
	    " FROM generate_series(1, %d) AS g ON CONFLICT DO NOTHING;"
	    " RETURN NULL; END $$;"
	    "CREATE OR REPLACE TRIGGER more AFTER INSERT ON rating"
	    " FOR EACH ROW EXECUTE FUNCTION more()",
	    n));
}

static int
reports(void)
{
	int n = 0;

	for (const char *p = reported.data; (p = strchr(p, ' ')); p++)
		n++;
	return n;
}

Test(pipeline, very_many_are_reported_as_one)
{
	touch_more(DB_TOUCHED_MAX - 2); /* and x, and user:1 */
	cr_assert_eq(rate("m", 5), ERR_OK);
	cr_expect_eq(reports(), DB_TOUCHED_MAX);
	buf_cut(&reported, 0);
	touch_more(DB_TOUCHED_MAX - 1);
	cr_assert_eq(rate("n", 5), ERR_OK);
	cr_expect_str_eq(reported.data, "-:- ");
}

static enum err
rate_both(void *arg)
{
	enum err e = rate("m", 4);

	(void)arg;
	if (!e)
		e = rate("n", 3);
	cr_expect_eq(reported.len, 0, "not before the commit");
	return e;
}

static enum err
rate_and_fail(void *arg)
{
	enum err e = rate_both(arg);

	return e ? e : ERR_FORBIDDEN;
}

static enum err
rate_and_ignore(void *arg)
{
	cr_expect_eq(rate("m", 6), ERR_INVALID);
	(void)arg;
	return ERR_OK;
}

Test(pipeline, a_transaction_reports_once_at_its_commit)
{
	cr_expect_eq(tx_run(db, rate_both, NULL), ERR_OK);
	cr_expect_str_eq(reported.data, "user:1 ");
	cr_expect(others_see_it);
}

Test(pipeline, a_transaction_that_is_undone_reports_nothing)
{
	cr_expect_eq(tx_run(db, rate_and_fail, NULL), ERR_FORBIDDEN);
	cr_expect_eq(tx_try(db, rate_both, NULL), ERR_OK);
	cr_expect_eq(reported.len, 0);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "0");
}

Test(pipeline, an_ignored_failure_is_a_bug_and_undone)
{
	cr_expect_eq(tx_run(db, rate_and_ignore, NULL), ERR_INTERNAL);
	cr_expect_eq(reported.len, 0);
	cr_expect_eq(rate("m", 5), ERR_OK, "the connection is usable");
}
