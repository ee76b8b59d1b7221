/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bulk loading: every odd byte comes over, what is given up leaves nothing,
 * and the connection is good afterwards. The same for reading.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/conn.h"
#include "db/copy.h"
#include "db/query.h"
#include "db/sqlstate.h"
#include "db/tx.h"
#include "db_world.h"

TestSuite(copy, .init = world_open, .fini = world_close);

/* The value that SQL gives on the connection under test. */
static const char *
own_value(const char *text)
{
	const char *value;
	PGresult *res;

	cr_assert_eq(conn_command(db, "test", text, &res), ERR_OK);
	value = mem_text(mem, PQgetvalue(res, 0, 0));
	PQclear(res);
	return value;
}

static struct copy *
begin(void)
{
	struct copy *c;

	cr_assert_eq(
	    query_exec(mem, db, NULL, SQL_import_genre_stage, NO_ARGS), ERR_OK);
	cr_assert_eq(copy_begin(mem, db, SQL_import_genre_copy, &c), ERR_OK);
	return c;
}

static enum err
odd_bytes(void *arg)
{
	const char *const rows[][2] = { { "a\tb\nc\rd\\e", "\\N" },
		{ "ni\u00f1o \U0001f37f", NULL }, { "", "\\." } };
	struct copy *c = begin();
	long n = 0;

	(void)arg;
	for (size_t i = 0; i < array_len(rows); i++)
		cr_assert_eq(copy_row(c, rows[i], 2), ERR_OK);
	cr_assert_eq(copy_end(c, &n), ERR_OK, "%s", db_error(db));
	cr_expect_eq(n, 3);
	cr_expect_str_eq(
	    own_value("SELECT name FROM import_genre WHERE slug = '\\N'"),
	    "a\tb\nc\rd\\e");
	cr_expect_str_eq(
	    own_value("SELECT name FROM import_genre WHERE slug IS NULL"),
	    "ni\u00f1o \U0001f37f");
	cr_expect_str_eq(
	    own_value("SELECT slug FROM import_genre WHERE name = ''"), "\\.");
	return ERR_OK;
}

/* Fields that are sent in pieces. */
static enum err
long_fields(void *arg)
{
	const size_t n = 300000;
	char *text = mem_array(mem, char, n + 1);
	const char *rows[] = { text, text };
	struct copy *c = begin();

	(void)arg;
	for (size_t i = 0; i < n; i++)
		text[i] = i % 70000 ? 'x' : '\t';
	text[n] = '\0';
	cr_assert_eq(copy_row(c, rows, 2), ERR_OK);
	cr_assert_eq(copy_end(c, NULL), ERR_OK, "%s", db_error(db));
	cr_expect_str_eq(own_value("SELECT name FROM import_genre"), text);
	cr_expect_str_eq(own_value("SELECT slug FROM import_genre"), text);
	return ERR_OK;
}

Test(copy, long_fields)
{
	cr_expect_eq(tx_run(db, long_fields, NULL), ERR_OK);
}

Test(copy, odd_bytes)
{
	cr_expect_eq(tx_run(db, odd_bytes, NULL), ERR_OK);
}

static enum err
many_rows(void *arg)
{
	struct copy *c = begin();
	char name[16];
	const char *const row[2] = { name, "x" };
	long n = 0;

	(void)arg;
	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof name, "%d", i);
		cr_assert_eq(copy_row(c, row, 2), ERR_OK);
	}
	cr_assert_eq(copy_end(c, &n), ERR_OK);
	cr_expect_eq(n, 50000);
	cr_expect_str_eq(
	    own_value("SELECT sum(name::bigint) FROM import_genre"),
	    "1249975000");
	return ERR_OK;
}

Test(copy, many_rows)
{
	cr_expect_eq(tx_run(db, many_rows, NULL), ERR_OK);
}

static enum err
wrong_row(void *arg)
{
	struct copy *c = begin();
	const char *const row[3] = { "a", "b", "c" };
	enum err e;

	(void)arg;
	cr_assert_eq(copy_row(c, row, 3), ERR_OK);
	e = copy_end(c, NULL);
	cr_expect(e);
	cr_expect(strstr(db_error(db), "extra data"), "%s", db_error(db));
	return e;
}

Test(copy, wrong_row_is_a_failure_with_a_reason)
{
	struct row row;

	cr_expect(tx_run(db, wrong_row, NULL) != ERR_OK);
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
}

static enum err
give_up(void *arg)
{
	TALLOC_CTX *short_lived = talloc_new(mem);
	const char *const row[2] = { "a", "b" };
	struct copy *c;

	cr_assert_eq(
	    query_exec(mem, db, NULL, SQL_import_genre_stage, NO_ARGS), ERR_OK);
	cr_assert_eq(
	    copy_begin(short_lived, db, SQL_import_genre_copy, &c), ERR_OK);
	cr_assert_eq(copy_row(c, row, 2), ERR_OK);
	if (arg)
		copy_abort(c, "enough");
	talloc_free(short_lived);
	return ERR_FORBIDDEN;
}

Test(copy, given_up_or_freed_ends_it)
{
	struct row row;

	cr_expect_eq(tx_run(db, give_up, db), ERR_FORBIDDEN);
	cr_expect_eq(tx_run(db, give_up, NULL), ERR_FORBIDDEN);
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_eq(tx_run(db, odd_bytes, NULL), ERR_OK);
}

static enum err
lose_it(void *arg)
{
	struct copy *c = begin();
	const char *const row[2] = { "a", "b" };
	enum err e = ERR_OK;

	(void)arg;
	kill_backend();
	for (int i = 0; !e && i < 100000; i++)
		e = copy_row(c, row, 2);
	if (!e)
		return copy_end(c, NULL);
	copy_abort(c, "lost");
	return e;
}

Test(copy, lost_connection_is_unavailable)
{
	struct row row;

	cr_expect_eq(tx_run(db, lose_it, NULL), ERR_UNAVAILABLE);
	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
}

/* ---------------------------------------------------------------- reading */

static volatile sig_atomic_t flag;

static void
raise_flag(int number)
{
	flag = number;
}

/* So many members have rated as many movies. */
static void
rate(int n)
{
	sql(mem_printf(mem,
	    "INSERT INTO account (id, username, email)"
	    " SELECT i, 'u' || i, i || '@a.example'"
	    "   FROM generate_series(1, %d) AS i;"
	    "INSERT INTO movie (id, slug, title, release_date)"
	    " SELECT i, 'm' || i, 'm', '2000-01-01'"
	    "   FROM generate_series(1, %d) AS i;"
	    "INSERT INTO rating (user_id, movie_id, rating, created_at)"
	    " SELECT u, m, 1 + (u + m) %% 5, to_timestamp(-7 * u)"
	    "   FROM generate_series(1, %d) AS u, generate_series(1, %d) AS m",
	    n, n, n, n));
}

static struct copy_reader *
begin_reading(void)
{
	struct copy_reader *r;

	cr_assert_eq(copy_read_begin(mem, db, SQL_train_ratings, &r), ERR_OK,
	    "%s", db_error(db));
	return r;
}

static void
expect_good_connection(void)
{
	int pid = PQbackendPID(db->conn);
	struct row row;

	cr_expect_eq(query_one(mem, db, &row, SQL_db_alive, NO_ARGS), ERR_OK);
	cr_expect_eq(PQbackendPID(db->conn), pid);
}

Test(copy, reads_every_row)
{
	struct copy_reader *r;
	int64_t row[4], sum = 0;
	long n = 0;
	enum err e;

	rate(200);
	r = begin_reading();
	while ((e = copy_read_row(r, row, 4)) == ERR_OK) {
		cr_assert_eq(row[2], 1 + (row[0] + row[1]) % 5);
		cr_assert_eq(row[3], -7 * row[0]);
		sum += row[0] * 1000 + row[1];
		n++;
	}
	cr_expect_eq(e, ERR_NOT_FOUND);
	cr_expect_eq(n, 40000);
	cr_expect_eq(sum, 200L * 20100 * 1001);
	expect_good_connection();
}

Test(copy, reading_nothing_ends_at_once)
{
	struct copy_reader *r = begin_reading();
	int64_t row[4];

	cr_expect_eq(copy_read_row(r, row, 4), ERR_NOT_FOUND);
	expect_good_connection();
}

Test(copy, what_is_no_row_of_numbers_is_refused)
{
	int64_t row[5];

	rate(20);
	cr_expect_eq(copy_read_row(begin_reading(), row, 3), ERR_INVALID);
	cr_expect_eq(copy_read_row(begin_reading(), row, 5), ERR_INVALID);
	expect_good_connection();
	sql("ALTER TABLE rating DISABLE TRIGGER USER;"
	    "ALTER TABLE rating ALTER rating DROP NOT NULL;"
	    "UPDATE rating SET rating = NULL");
	cr_expect_eq(copy_read_row(begin_reading(), row, 4), ERR_INVALID);
	cr_expect(strstr(db_error(db), "\\N"), "%s", db_error(db));
	expect_good_connection();
}

Test(copy, a_reader_that_is_freed_early_leaves_the_connection_good)
{
	struct copy_reader *r;
	int64_t row[4];

	rate(300);
	r = begin_reading();
	cr_assert_eq(copy_read_row(r, row, 4), ERR_OK);
	talloc_free(r);
	expect_good_connection();
}

Test(copy, a_signal_ends_reading)
{
	struct copy_reader *r;
	int64_t row[4];
	enum err e;

	rate(300);
	r = begin_reading();
	db_interrupt(db, &flag);
	cr_assert_eq(copy_read_row(r, row, 4), ERR_OK);
	flag = SIGTERM;
	while ((e = copy_read_row(r, row, 4)) == ERR_OK)
		;
	cr_expect_eq(e, ERR_UNAVAILABLE);
	expect_good_connection();
}

Test(copy, a_signal_ends_waiting_for_the_first_row)
{
	struct sigaction action = { .sa_handler = raise_flag };
	struct copy_reader *r;

	sql("BEGIN; LOCK TABLE rating");
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	db_interrupt(db, &flag);
	cr_assert_eq(db_ready(db), ERR_OK);
	alarm(1);
	cr_expect_eq(
	    copy_read_begin(mem, db, SQL_train_ratings, &r), ERR_UNAVAILABLE);
	expect_good_connection();
}

Test(copy, a_lost_connection_ends_reading)
{
	struct copy_reader *r;
	int64_t row[4];
	enum err e;

	rate(300);
	r = begin_reading();
	kill_backend();
	while ((e = copy_read_row(r, row, 4)) == ERR_OK)
		;
	cr_expect_eq(e, ERR_UNAVAILABLE);
	cr_expect(*db_error(db));
	cr_expect_eq(
	    query_one(mem, db, &(struct row){ 0 }, SQL_db_alive, NO_ARGS),
	    ERR_OK);
}
