/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions: all or none, retried after a deadlock, lost with their
 * connection.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "db/conn.h"
#include "db/query.h"
#include "db/sqlstate.h"
#include "db/tx.h"
#include "db_world.h"

TestSuite(tx, .init = world_open, .fini = world_close);

static int calls;

static enum err
add_genre(const char *slug)
{
	char text[128];

	snprintf(text, sizeof text,
	    "INSERT INTO genre (name, slug) VALUES ('%s', '%s')", slug, slug);
	return conn_command(db, "add_genre", text, NULL);
}

static enum err
add_two(void *arg)
{
	enum err e;

	(void)arg;
	calls++;
	cr_assert(db_in_transaction(db));
	e = add_genre("a");
	return e ? e : add_genre("b");
}

Test(tx, commits)
{
	cr_expect_eq(tx_run(db, add_two, NULL), ERR_OK);
	cr_expect_not(db_in_transaction(db));
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "2");
}

Test(tx, try_leaves_nothing)
{
	cr_expect_eq(tx_try(db, add_two, NULL), ERR_OK);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "0");
}

Test(tx, failure_undoes_all_and_keeps_its_name)
{
	sql("INSERT INTO genre (name, slug) VALUES ('b', 'b')");
	cr_expect_eq(tx_run(db, add_two, NULL), ERR_CONFLICT);
	cr_expect_str_eq(db_constraint(db), "genre_name_unique");
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "1");
	cr_expect_eq(calls, 1, "not tried again");
	sql("DELETE FROM genre");
	cr_expect_eq(tx_run(db, add_two, NULL), ERR_OK);
}

static enum err
own_error(void *arg)
{
	enum err e = add_two(arg);

	return e ? e : ERR_FORBIDDEN;
}

Test(tx, error_of_the_function_undoes_all)
{
	cr_expect_eq(tx_run(db, own_error, NULL), ERR_FORBIDDEN);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "0");
}

static enum err
ignore_a_failure(void *arg)
{
	enum err e;

	(void)arg;
	e = add_genre("a");
	if (!e)
		e = add_genre("a");
	return e ? ERR_OK : ERR_OK;
}

Test(tx, ignored_failure_does_not_pass_for_done)
{
	cr_expect_eq(tx_run(db, ignore_a_failure, NULL), ERR_INTERNAL);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "0");
}

/*
 * Serialization: the first time, another session changes the row after our
 * snapshot was taken.
 */
static enum err
count_up(void *arg)
{
	enum err e;

	(void)arg;
	e = conn_command(db, "test",
	    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
	    "SELECT count(*) FROM genre",
	    NULL);
	if (e)
		return e;
	if (calls++ == 0)
		sql("UPDATE genre SET name = name || '1'");
	return conn_command(
	    db, "test", "UPDATE genre SET name = name || '2'", NULL);
}

Test(tx, serialization_failure_is_tried_again)
{
	sql("INSERT INTO genre (name, slug) VALUES ('g', 'g')");
	cr_expect_eq(tx_run(db, count_up, NULL), ERR_OK);
	cr_expect_eq(calls, 2);
	cr_expect_str_eq(sql_value("SELECT name FROM genre"), "g12");
}

static enum err
never_works(void *arg)
{
	(void)arg;
	calls++;
	return conn_command(
	    db, "test", "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", NULL);
}

Test(tx, gives_up_after_some_times)
{
	cr_expect_eq(tx_run(db, never_works, NULL), ERR_UNAVAILABLE);
	cr_expect_eq(calls, 5);
}

static enum err
lose_connection(void *arg)
{
	struct row row;
	enum err e;

	calls++;
	e = add_two(arg);
	if (e)
		return e;
	kill_backend();
	e = query_one(mem, db, &row, SQL_db_alive, NO_ARGS);
	cr_expect_eq(e, ERR_UNAVAILABLE, "no new connection within");
	e = query_one(mem, db, &row, SQL_db_alive, NO_ARGS);
	cr_expect_eq(e, ERR_UNAVAILABLE);
	return e;
}

Test(tx, is_gone_with_its_connection)
{
	struct row row;

	cr_expect_eq(tx_run(db, lose_connection, NULL), ERR_UNAVAILABLE);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM genre"), "0");
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
}

static enum err
lose_before_commit(void *arg)
{
	enum err e = add_two(arg);

	if (!e)
		kill_backend();
	return e;
}

Test(tx, lost_commit_is_no_success)
{
	cr_expect_eq(tx_run(db, lose_before_commit, NULL), ERR_UNAVAILABLE);
	cr_expect_eq(calls, 1, "unknown result: not retried");
}

static enum err
nest(void *arg)
{
	return tx_run(db, add_two, arg);
}

Test(tx, nesting_is_a_bug, .signal = SIGABRT)
{
	(void)tx_run(db, nest, NULL);
}
