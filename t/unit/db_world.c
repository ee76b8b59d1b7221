/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Databases for unit tests, and the main() of the programs that use them.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/migrate.h"
#include "db_world.h"

#define TEMPLATE "MXM_UNIT_TEMPLATE"

TALLOC_CTX *mem;
struct db *db;
PGconn *other;
const char *dbinfo;

static char name[64];

/* Runs one command on the server itself; false and a message when it fails. */
static bool
on_server(const char *command)
{
	PGconn *conn = PQconnectdb(getenv("MXM_TEST_DATABASE"));
	PGresult *res = PQexec(conn, command);
	bool good = PQresultStatus(res) == PGRES_COMMAND_OK;

	if (!good)
		fprintf(stderr, "%s: %s", command, PQerrorMessage(conn));
	PQclear(res);
	PQfinish(conn);
	return good;
}

/*
 * WITH (FORCE) ends remaining sessions, but not autovacuum,
 * for which it lacks the right. The plain form waits for that, and for no
 * other.
 */
static bool
drop_database(TALLOC_CTX *ctx, const char *database)
{
	static const char text[] = "DROP DATABASE IF EXISTS %s%s";

	return on_server(mem_printf(ctx, text, database, " WITH (FORCE)")) ||
	       on_server(mem_printf(ctx, text, database, ""));
}

void
world_open(void)
{
	const char *template = getenv(TEMPLATE);
	char *command;

	cr_assert_not_null(template);
	log_open("test", LOG_LEVEL_ERROR);
	mem_init();
	mem = talloc_new(NULL);
	snprintf(name, sizeof name, "%s%ld", template, (long)getpid());
	command =
	    mem_printf(mem, "CREATE DATABASE %s TEMPLATE %s", name, template);
	cr_assert(on_server(command));
	dbinfo =
	    mem_printf(mem, "%s dbname=%s", getenv("MXM_TEST_DATABASE"), name);
	other = PQconnectdb(dbinfo);
	cr_assert_eq(
	    PQstatus(other), CONNECTION_OK, "%s", PQerrorMessage(other));
	db = db_new(mem, dbinfo, 5000);
}

void
world_close(void)
{
	if (!mem)
		return;
	PQfinish(other);
	talloc_free(db);
	cr_expect(drop_database(mem, name));
	talloc_free(mem);
}

void
sql(const char *text)
{
	PGresult *res = PQexec(other, text);

	cr_assert(PQresultStatus(res) == PGRES_COMMAND_OK ||
		      PQresultStatus(res) == PGRES_TUPLES_OK,
	    "%s: %s", text, PQerrorMessage(other));
	PQclear(res);
}

const char *
sql_value(const char *text)
{
	PGresult *res = PQexec(other, text);
	const char *value;

	cr_assert_eq(PQresultStatus(res), PGRES_TUPLES_OK, "%s: %s", text,
	    PQerrorMessage(other));
	cr_assert_eq(PQntuples(res), 1, "%s: no row", text);
	value = mem_text(mem, PQgetvalue(res, 0, 0));
	PQclear(res);
	return value;
}

void
sql_until(const char *text)
{
	int64_t until = clock_steady_us() + 20 * INT64_C(1000000);

	while (strcmp(sql_value(text), "t") != 0) {
		cr_assert_lt(clock_steady_us(), until, "never: %s", text);
		poll(NULL, 0, 5);
	}
}

void
kill_backend(void)
{
	int pid = PQbackendPID(db->conn);

	sql_value(
	    mem_printf(mem, "SELECT pg_terminate_backend(%d, 10000)", pid));
}

/* Makes the database that the tests clone. */
static bool
make_template(char *template, size_t size)
{
	TALLOC_CTX *ctx = talloc_new(NULL);
	struct db *made;
	bool good;

	snprintf(template, size, "mxm_unit_%ld_", (long)getpid());
	if (!on_server(mem_printf(ctx, "CREATE DATABASE %s", template)))
		return false;
	made = db_new(ctx,
	    mem_printf(
		ctx, "%s dbname=%s", getenv("MXM_TEST_DATABASE"), template),
	    0);
	good = migrate_apply(made, NULL, false, NULL, NULL) == ERR_OK;
	if (!good)
		fprintf(stderr, "%s\n", db_error(made));
	talloc_free(ctx);
	return good;
}

/* Drops the template and what tests that ended by a signal have left. */
static bool
drop_all(const char *template)
{
	TALLOC_CTX *ctx = talloc_new(NULL);
	PGconn *conn = PQconnectdb(getenv("MXM_TEST_DATABASE"));
	PGresult *res = PQexecParams(conn,
	    "SELECT quote_ident(datname)"
	    "  FROM pg_database WHERE starts_with(datname, $1)",
	    1, NULL, &template, NULL, NULL, 0);
	bool good = PQntuples(res) > 0;

	for (int i = 0; i < PQntuples(res); i++)
		good = drop_database(ctx, PQgetvalue(res, i, 0)) && good;
	PQclear(res);
	PQfinish(conn);
	talloc_free(ctx);
	return good;
}

/* Found by name in the running program, so it must not be hidden. */
__attribute__((visibility("default"))) int
main(int argc, char **argv)
{
	struct criterion_test_set *tests;
	char template[48];
	int result = 0;

	if (!getenv("MXM_TEST_DATABASE")) {
		fputs("1..0 # SKIP no database: set MXM_TEST_DATABASE to the "
		      "conninfo of a server to create some on\n",
		    stderr);
		return 0;
	}
	log_open("test", LOG_LEVEL_ERROR);
	if (!make_template(template, sizeof template))
		return 1;
	/* Tests are run as processes of this program: they inherit the name. */
	setenv(TEMPLATE, template, 1);
	tests = criterion_initialize();
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return drop_all(template) ? result : 1;
}
