/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statements: arguments of every kind, what each failure means, what is tried
 * again and what never is, the check of all statements.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/copy.h"
#include "db/query.h"
#include "db/sqlstate.h"
#include "db/tx.h"
#include "db_world.h"

TestSuite(query, .init = world_open, .fini = world_close);

/* One member (id 1) and one movie (id 1, slug m). */
static void
small_world(void)
{
	sql("INSERT INTO account (id, username, email)"
	    " VALUES (1, 'ana', 'ana@example.org');"
	    "INSERT INTO movie (id, slug, title, release_date)"
	    " VALUES (1, 'm', 'Am\u00e9lie', '2001-04-25')");
}

static enum err
rate(int stars)
{
	struct row row;

	return query_one(mem, db, &row, SQL_rating_insert, arg_id(1),
	    arg_text("ana"), arg_text("m"), arg_int(stars));
}

static enum err
sign_up(const char *name, const char *email)
{
	struct row row;

	return query_one(mem, db, &row, SQL_account_insert, arg_text(name),
	    arg_text(email), arg_text("x"), arg_text("First"), arg_text("Last"),
	    arg_text(""), arg_null(), arg_text("en"), arg_null());
}

/* What plain SQL that fails means. */
static enum err
meaning(const char *text)
{
	enum err e;

	cr_assert_eq(db_ready(db), ERR_OK);
	e = conn_command(db, "test", text, NULL);
	cr_assert(e, "%s: does not fail", text);
	return e;
}

Test(query, one_row)
{
	struct row row;

	small_world();
	cr_assert_eq(query_one(mem, db, &row, SQL_movie_detail, arg_text("en"),
			 arg_text("m")),
	    ERR_OK);
	cr_expect_str_eq(row_text(&row, "title"), "Am\u00e9lie");
}

Test(query, no_row)
{
	struct row row;

	cr_expect_eq(query_one(mem, db, &row, SQL_movie_detail, arg_text("en"),
			 arg_text("m")),
	    ERR_NOT_FOUND);
}

Test(query, prepared_once_a_connection)
{
	struct row row;

	cr_assert_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect(db->prepared[SQL_db_alive]);
	cr_assert_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	db_close(db);
	cr_expect_not(db->prepared[SQL_db_alive]);
}

Test(query, prepared_elsewhere_or_forgotten)
{
	struct row row;

	cr_assert_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_assert_eq(conn_command(db, "test", "DEALLOCATE ALL", NULL), ERR_OK);
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	db->prepared[SQL_db_alive] = false;
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
}

/* Every kind of argument, by way of the movie search's arrays and NULLs. */
static int
found(struct arg name, struct arg genres, struct arg stars)
{
	struct rows rows;

	cr_assert_eq(query_all(mem, db, &rows, SQL_movie_search, arg_text("en"),
			 name, arg_id(1), genres, arg_null(), arg_null(),
			 arg_null(), arg_null(), stars, arg_bool(false),
			 arg_bool(false), arg_id(1), arg_id(10)),
	    ERR_OK);
	return rows.count;
}

Test(query, arguments_of_every_kind)
{
	const char *const odd[] = { "a\"b\\c", "{x,y}", NULL, "", "sci fi" };
	const char *const none[] = { "nothing" };
	const int64_t stars[] = { 4, 5 };
	const int64_t low[] = { 1, INT64_MIN, INT64_MAX };

	small_world();
	sql("INSERT INTO genre (id, name, slug) VALUES (1, 'x', 'a\"b\\c');"
	    "INSERT INTO movie_genre VALUES (1, 1);"
	    "INSERT INTO rating (user_id, movie_id, rating) VALUES (1, 1, 4)");
	cr_expect_eq(found(arg_null(), arg_null(), arg_null()), 1);
	cr_expect_eq(found(arg_text("AMELI"), arg_null(), arg_null()), 1);
	cr_expect_eq(found(arg_text("%"), arg_null(), arg_null()), 0);
	cr_expect_eq(found(arg_null(), arg_text_array(odd, 5), arg_null()), 1);
	cr_expect_eq(found(arg_null(), arg_text_array(none, 1), arg_null()), 0);
	cr_expect_eq(found(arg_null(), arg_text_array(none, 0), arg_null()), 0);
	cr_expect_eq(found(arg_null(), arg_null(), arg_int_array(stars, 2)), 1);
	cr_expect_eq(found(arg_null(), arg_null(), arg_int_array(low, 3)), 0);
}

Test(query, double_comes_over_unharmed)
{
	cr_expect_str_eq(arg_double(0.1).digits, "0.10000000000000001");
	cr_expect_str_eq(arg_id(INT64_MIN).digits, "-9223372036854775808");
}

Test(query, wrong_number_of_arguments_is_a_bug, .signal = SIGABRT)
{
	struct row row;

	(void)query_one(mem, db, &row, SQL_db_alive, arg_id(1));
}

Test(query, wrong_mode_is_a_bug, .signal = SIGABRT)
{
	struct rows rows;

	(void)query_all(mem, db, &rows, SQL_db_alive, NO_ARGS);
}

Test(query, unique_rule_is_conflict_with_its_name)
{
	cr_assert_eq(sign_up("ana", "ana@example.org"), ERR_OK);
	cr_expect_eq(sign_up("ana", "eva@example.org"), ERR_CONFLICT);
	cr_expect_str_eq(db_constraint(db), "account_username_unique");
	cr_expect_eq(sign_up("eva", "Ana@example.org"), ERR_CONFLICT);
	cr_expect_str_eq(db_constraint(db), "account_email_unique");
	cr_expect_str_eq(sql_value("SELECT count(*) FROM account"), "1");
}

Test(query, check_is_invalid_with_its_name)
{
	small_world();
	cr_expect_eq(rate(6), ERR_INVALID);
	cr_expect_str_eq(db_constraint(db), "rating_range");
	cr_expect_eq(rate(99999), ERR_INTERNAL, "unchecked: a bug");
	cr_expect_str_eq(db_constraint(db), "", "no constraint this time");
}

Test(query, foreign_key_is_not_found)
{
	struct row row;

	sql("INSERT INTO movie (id, slug, title, release_date)"
	    " VALUES (1, 'm', 'M', '2000-01-01')");
	cr_expect_eq(rate(3), ERR_NOT_FOUND, "no such account");
	cr_expect_str_eq(db_constraint(db), "rating_user_id_fkey");
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_str_eq(db_constraint(db), "");
}

Test(query, what_failures_mean)
{
	cr_expect_eq(
	    meaning("INSERT INTO genre (name) VALUES (NULL)"), ERR_INVALID);
	cr_expect_eq(meaning("SELECT 'x'::bigint"), ERR_INTERNAL);
	cr_expect_eq(meaning("SELECT 99999::smallint"), ERR_INTERNAL);
	cr_expect_eq(meaning("SELECT '{'::jsonb"), ERR_INTERNAL);
	cr_expect_eq(meaning("SELECT '[\"\\u0000\"]'::jsonb"), ERR_INVALID);
	cr_expect_eq(meaning("SELECT '2001-02-30'::date"), ERR_INVALID);
	cr_expect_eq(meaning("SELECT 'x\xff'"), ERR_INVALID);
	cr_expect_eq(meaning("SELECT 1 / 0"), ERR_INTERNAL);
	cr_expect_eq(meaning("SELECT nothing"), ERR_INTERNAL);
	cr_expect_eq(meaning("SET statement_timeout = 10; SELECT pg_sleep(5)"),
	    ERR_UNAVAILABLE);
}

Test(query, read_only_server_is_unavailable)
{
	small_world();
	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(conn_command(db, "test",
			 "SET default_transaction_read_only = on", NULL),
	    ERR_OK);
	cr_expect_eq(rate(3), ERR_UNAVAILABLE);
	cr_expect_null(db->conn, "a demoted server is not kept");
	cr_expect_eq(rate(3), ERR_OK);
}

Test(query, lock_timeout_is_unavailable)
{
	small_world();
	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(
	    conn_command(db, "test", "SET lock_timeout = 10", NULL), ERR_OK);
	sql("BEGIN; LOCK TABLE rating");
	cr_expect_eq(rate(3), ERR_UNAVAILABLE);
	sql("ROLLBACK");
	cr_expect_eq(rate(3), ERR_OK);
}

static volatile sig_atomic_t stop;

static void
ask_to_stop(int number)
{
	stop = number;
}

Test(query, signal_cancels_what_runs)
{
	const struct sigaction action = { .sa_handler = ask_to_stop };
	int64_t begun = clock_steady_us();

	small_world();
	cr_assert_eq(db_ready(db), ERR_OK);
	sql("BEGIN; LOCK TABLE rating");
	sigaction(SIGALRM, &action, NULL);
	db_interrupt(db, &stop);
	ualarm(50000, 0);
	cr_expect_eq(rate(3), ERR_UNAVAILABLE);
	cr_expect_lt(clock_steady_us() - begun, 4 * INT64_C(1000000));
	sql("ROLLBACK");
	db_interrupt(db, NULL);
	cr_expect_eq(rate(3), ERR_OK);
}

/*
 * Calls fn while another process ends the backend of `db` as soon as it waits
 * for a lock that `other` holds.
 */
static enum err with_backend_killed(enum err (*fn)(void))
{
	int pid;
	pid_t child;
	enum err e;
	int status;

	cr_assert_eq(db_ready(db), ERR_OK);
	pid = PQbackendPID(db->conn);
	child = fork();
	if (child == 0) {
		close(PQsocket(other)); /* the parent's goes on */
		PQfinish(other);
		other = PQconnectdb(dbinfo);
		sql_until(mem_printf(mem,
		    "SELECT wait_event_type IS NOT DISTINCT FROM 'Lock'"
		    "  FROM pg_stat_activity WHERE pid = %d",
		    pid));
		sql_value(mem_printf(
		    mem, "SELECT pg_terminate_backend(%d, 10000)", pid));
		_exit(0);
	}
	e = fn();
	waitpid(child, &status, 0);
	return e;
}

static enum err
rate_three(void)
{
	return rate(3);
}

static enum err
list_genres(void)
{
	struct rows rows;

	/* The second attempt must not wait: the lock goes with the first. */
	return query_all(mem, db, &rows, SQL_genre_list, arg_text("en"));
}

Test(query, lost_write_is_never_repeated)
{
	int64_t begun = clock_steady_us();

	small_world();
	/* Prepared before, so that the write itself is what waits. */
	cr_assert_eq(rate(3), ERR_OK);
	sql("DELETE FROM rating");
	sql("BEGIN; LOCK TABLE rating");
	cr_expect_eq(with_backend_killed(rate_three), ERR_UNAVAILABLE);
	cr_expect_lt(clock_steady_us() - begun, 4 * INT64_C(1000000),
	    "ended by the loss, not by a timeout of the second attempt");
	sql("ROLLBACK");
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "0");
	cr_expect_eq(rate(3), ERR_OK, "the next one is served at once");
}

/* The sequence counts the attempts: it is not rolled back. */
static void
deadlock_until(int attempt)
{
	sql(mem_printf(mem,
	    "CREATE SEQUENCE attempts;"
	    "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS"
	    " $$ BEGIN IF nextval('attempts') < %d THEN"
	    " RAISE SQLSTATE '40P01'; END IF; RETURN NULL; END $$;"
	    "CREATE TRIGGER lose AFTER INSERT ON rating"
	    " FOR EACH ROW EXECUTE FUNCTION lose()",
	    attempt));
}

Test(query, a_deadlock_is_tried_five_times)
{
	small_world();
	deadlock_until(6);
	cr_expect_eq(rate(3), ERR_UNAVAILABLE);
	cr_expect_str_eq(sql_value("SELECT last_value FROM attempts"), "5");
	cr_expect_eq(rate(3), ERR_OK, "the sixth attempt succeeds");
}

Test(query, a_deadlock_ends_with_the_fifth_attempt)
{
	small_world();
	deadlock_until(5);
	cr_expect_eq(rate(3), ERR_OK);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "1");
}

Test(query, lost_read_is_repeated_once)
{
	struct rows rows;

	cr_assert_eq(
	    query_all(mem, db, &rows, SQL_genre_list, arg_text("en")), ERR_OK);
	sql("BEGIN; LOCK TABLE genre; SET LOCAL idle_in_transaction_"
	    "session_timeout = '500ms'");
	cr_expect_eq(with_backend_killed(list_genres), ERR_OK);
	PQreset(other);
}

Test(query, write_on_a_dead_idle_connection_is_done_once)
{
	small_world();
	cr_assert_eq(rate(3), ERR_OK);
	sql("DELETE FROM rating");
	kill_backend();
	cr_expect_eq(rate(4), ERR_OK, "nothing had been sent yet");
	cr_expect_str_eq(sql_value("SELECT count(*) FROM rating"), "1");
}

Test(query, every_statement_checks_out)
{
	const char *fault;

	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(conn_command(db, "test", "BEGIN", NULL), ERR_OK);
	for (int s = 0; s < SQL__MAX; s++) {
		cr_assert_eq(query_check(mem, db, s, &fault), ERR_OK);
		cr_expect_null(fault, "%s", fault);
	}
}
