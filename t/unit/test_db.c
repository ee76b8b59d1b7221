/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection: opening, losing, healing, the verdict on the schema, waiting
 * for notifications.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/migrate.h"
#include "db/query.h"
#include "db/sqlstate.h"
#include "db_world.h"

TestSuite(db, .init = world_open, .fini = world_close);

Test(db, new_connects_nothing)
{
	cr_expect_null(db->conn);
	cr_expect_str_eq(db_error(db), "");
	cr_expect_eq(db_ready(db), ERR_OK);
	cr_expect_not_null(db->conn);
}

Test(db, settings_of_the_session)
{
	PGresult *res;

	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(conn_command(db, "test",
			 "SELECT current_setting('timezone'),"
			 "       current_setting('statement_timeout'),"
			 "       current_setting('search_path'),"
			 "       current_setting('client_encoding'),"
			 "       current_setting('application_name')",
			 &res),
	    ERR_OK);
	cr_expect_str_eq(PQgetvalue(res, 0, 0), "UTC");
	cr_expect_str_eq(PQgetvalue(res, 0, 1), "5s");
	cr_expect_str_eq(PQgetvalue(res, 0, 2), "public");
	cr_expect_str_eq(PQgetvalue(res, 0, 3), "UTF8");
	cr_expect_str_eq(PQgetvalue(res, 0, 4), "moviesxmovies");
	PQclear(res);
}

/* What is set before the first use, quoted, on each connection of the handle.
 */
Test(db, origin_of_addresses)
{
	static const char sql[] = "SELECT current_setting('mxm.origin'),"
				  "       api_url('users', 'a b')";
	PGresult *res;

	cr_assert_eq(db_ready(db), ERR_OK);
	cr_assert_eq(conn_command(db, "test", sql, &res), ERR_OK);
	cr_expect_str_eq(PQgetvalue(res, 0, 0), "");
	cr_expect_str_eq(PQgetvalue(res, 0, 1), "/api/users/a%20b/");
	PQclear(res);
	db_close(db);
	db_set_origin(db, "https://a'; DROP TABLE movie; --\\");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(db_ready(db), ERR_OK);
		cr_assert_eq(conn_command(db, "test", sql, &res), ERR_OK);
		cr_expect_str_eq(PQgetvalue(res, 0, 0),
		    "https://a'; DROP TABLE movie; --\\");
		cr_expect_str_eq(PQgetvalue(res, 0, 1),
		    "https://a'; DROP TABLE movie; --\\/api/users/a%20b/");
		PQclear(res);
		db_close(db);
	}
}

Test(db, failure_pauses_and_tells)
{
	struct db *none = db_new(mem, "host=/nonexistent dbname=x", 1000);
	int64_t begun = clock_steady_us();

	cr_expect_eq(db_ready(none), ERR_UNAVAILABLE);
	cr_expect(
	    strstr(db_error(none), "no connection:"), "%s", db_error(none));
	cr_expect_gt(none->connect_at, begun);
	cr_expect_eq(none->pause_us, 50000);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(db_ready(none), ERR_UNAVAILABLE);
	cr_expect_leq(none->pause_us, 100000, "attempts without a pause");
}

Test(db, pause_grows_to_half_a_second)
{
	struct db *none = db_new(mem, "host=/nonexistent dbname=x", 1000);

	for (int i = 0; i < 10; i++) {
		none->connect_at = 0;
		cr_assert_eq(db_ready(none), ERR_UNAVAILABLE);
	}
	cr_expect_eq(none->pause_us, 500000);
}

Test(db, heals_after_the_backend_died)
{
	struct row row;

	cr_assert_eq(db_ready(db), ERR_OK);
	kill_backend();
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_eq(row_int(&row, "alive"), 1);
}

Test(db, close_and_open_again)
{
	cr_assert_eq(db_ready(db), ERR_OK);
	db_close(db);
	cr_expect_null(db->conn);
	cr_expect_eq(db_ready(db), ERR_OK);
}

Test(db, schema_behind_is_unavailable_until_migrated)
{
	struct row row;

	sql("DELETE FROM migration WHERE number > 1");
	cr_expect_eq(db_ready(db), ERR_UNAVAILABLE);
	cr_expect(
	    strstr(db_error(db), "run mxmctl migrate"), "%s", db_error(db));
	cr_expect_eq(
	    query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_UNAVAILABLE);
	cr_expect_eq(db_connect(db), ERR_OK, "connected all the same");
}

Test(db, bad_verdict_is_looked_at_again)
{
	sql("INSERT INTO migration VALUES (9999, 'later', 'x')");
	cr_expect_eq(db_ready(db), ERR_UNAVAILABLE);
	cr_expect(strstr(db_error(db), "9999"), "%s", db_error(db));
	sql("DELETE FROM migration WHERE number = 9999");
	cr_expect_eq(db_ready(db), ERR_UNAVAILABLE, "not at once");
	db->schema_look_at = clock_steady_us();
	cr_expect_eq(db_ready(db), ERR_OK);
}

Test(db, good_verdict_is_kept)
{
	cr_expect_eq(db_ready(db), ERR_OK);
	sql("INSERT INTO migration VALUES (9999, 'later', 'x')");
	cr_expect_eq(db_ready(db), ERR_OK);
	db_close(db);
	cr_expect_eq(db_ready(db), ERR_UNAVAILABLE);
}

Test(db, encoding_must_be_utf8)
{
	const char *base = getenv("MXM_TEST_DATABASE");
	PGconn *server = PQconnectdb(base);
	struct db *latin;
	char name[64];

	snprintf(name, sizeof name, "mxm_latin_%ld", (long)getpid());
	PQclear(PQexec(
	    server, mem_printf(mem,
			"CREATE DATABASE %s ENCODING 'SQL_ASCII' LOCALE 'C'"
			" TEMPLATE template0",
			name)));
	latin = db_new(mem, mem_printf(mem, "%s dbname=%s", base, name), 1000);
	cr_expect_eq(db_connect(latin), ERR_UNAVAILABLE);
	cr_expect(strstr(db_error(latin), "SQL_ASCII"), "%s", db_error(latin));
	talloc_free(latin);
	PQclear(PQexec(server, mem_printf(mem, "DROP DATABASE %s", name)));
	PQfinish(server);
}

Test(db, wait_ends_with_a_notification)
{
	int64_t begun = clock_steady_us();

	cr_assert_eq(db_listen(db, "job"), ERR_OK);
	sql("INSERT INTO job (name) VALUES ('test')");
	cr_expect_eq(db_wait(db, 10000), ERR_OK);
	cr_expect_lt(clock_steady_us() - begun, 5 * INT64_C(1000000));
	begun = clock_steady_us();
	cr_expect_eq(db_wait(db, 20), ERR_OK, "nothing more");
	cr_expect_geq(clock_steady_us() - begun, 15000);
}

Test(db, listens_again_after_a_loss)
{
	cr_assert_eq(db_listen(db, "job"), ERR_OK);
	kill_backend();
	cr_expect_eq(db_wait(db, 10000), ERR_UNAVAILABLE);
	cr_assert_eq(db_ready(db), ERR_OK);
	sql("NOTIFY job");
	cr_expect_eq(db_wait(db, 10000), ERR_OK);
}

static void
ignore(int number)
{
	(void)number;
}

Test(db, wait_ends_with_a_signal)
{
	const struct sigaction action = { .sa_handler = ignore };
	int64_t begun = clock_steady_us();

	cr_assert_eq(db_listen(db, "job"), ERR_OK);
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	cr_expect_eq(db_wait(db, 10000), ERR_OK);
	cr_expect_lt(clock_steady_us() - begun, 5 * INT64_C(1000000));
}

Test(db, server_that_hangs_is_given_up)
{
	struct db *short_one = db_new(mem, dbinfo, 1000);
	struct row row;
	int64_t begun;
	int pid;

	cr_assert_eq(
	    query_one(mem, short_one, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	pid = PQbackendPID(short_one->conn);
	if (kill(pid, SIGSTOP) != 0)
		cr_skip_test("the server's processes are not ours to stop");
	begun = clock_steady_us();
	/* The retry has a new backend, so that this ends well. */
	cr_expect_eq(
	    query_one(mem, short_one, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_geq(clock_steady_us() - begun, 3 * INT64_C(1000000));
	kill(pid, SIGCONT);
}
