/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database handle: connecting with back-off, session settings, the schema
 * check, notifications.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/sqlstate.h"

#define PAUSE_FIRST_US   INT64_C(50000)
#define PAUSE_LONGEST_US INT64_C(500000)
#define LOOK_AGAIN_US    INT64_C(1000000)
#define SERVER_OLDEST    150000

static int
db_destroy(struct db *db)
{
	conn_drop(db);
	return 0;
}

struct db *
db_new(TALLOC_CTX *mem, const char *conninfo, long statement_timeout_ms)
{
	struct db *db = mem_new(mem, struct db);

	db->conninfo = mem_text(db, conninfo);
	db->many_hosts = conn_has_hosts(conninfo);
	db->timeout_ms = statement_timeout_ms;
	db->origin = "";
	talloc_set_destructor(db, db_destroy);
	return db;
}

void
db_set_origin(struct db *db, const char *origin)
{
	db->origin = mem_text(db, origin);
}

void
db_on_touched(struct db *db, db_touched *fn, void *arg)
{
	db->on_touched = fn;
	db->touched_arg = arg;
}

void
db_share(struct db *db, struct shm *shm, long lock_timeout_ms)
{
	db->shm = shm;
	db->lock_timeout_ms = lock_timeout_ms;
}

/* Logs the error unless it was logged last. */
static void
log_new_error(struct db *db)
{
	if (db->logged && strcmp(db->logged, db->error) == 0)
		return;
	talloc_free(db->logged);
	db->logged = mem_text(db, db->error);
	log_warn("database: %s", db->error);
}

static void
log_recovery(struct db *db)
{
	if (db->logged)
		log_info("database: ready again");
	talloc_free(db->logged);
	db->logged = NULL;
}

static void
take_notice(void *arg, const PGresult *res)
{
	const char *severity =
	    PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	if (severity && strcmp(severity, "WARNING") == 0)
		log_warn("database: %s", text ? text : "");
	else
		log_debug("database: %s", text ? text : "");
}

/* Requirements for the server. */
static bool
is_server_fit(struct db *db)
{
	const char *encoding = PQparameterStatus(db->conn, "server_encoding");

	if (PQserverVersion(db->conn) < SERVER_OLDEST) {
		conn_set_error(db,
		    "the server is PostgreSQL %d, 15 is the oldest that will "
		    "do",
		    PQserverVersion(db->conn) / 10000);
		return false;
	}
	if (encoding && strcmp(encoding, "UTF8") != 0) {
		conn_set_error(db,
		    "the database is encoded in %s: make it anew with "
		    "createdb --encoding=UTF8 --template=template0",
		    encoding);
		return false;
	}
	return true;
}

/*
 * A connection pooler returns another process id. With shared sessions,
 * prepared statements, settings and LISTEN would not work.
 */
static bool
is_direct(struct db *db)
{
	PGresult *res = NULL;
	bool direct = true;
	enum err e;

	e = conn_command(
	    db, "(whose session)", "SELECT pg_backend_pid()", &res);
	if (!e)
		direct = strtol(PQgetvalue(res, 0, 0), NULL, 10) ==
			 PQbackendPID(db->conn);
	PQclear(res);
	if (!direct)
		conn_set_error(db,
		    "the connection goes through a pooler (pgbouncer or the "
		    "like), where sessions are shared; let the setting "
		    "`database` name PostgreSQL's own socket or port");
	return direct;
}

/*
 * The session settings. They are statements and not startup options, because
 * pgbouncer refuses options. Statements are short and prepared: JIT compilation
 * took 120 ms for an execution of 3, and the generic plan must be good for all
 * values (t/sql checks the plans).
 */
static enum err
settle(struct db *db)
{
	char *sql, *origin;
	enum err e;

	origin =
	    mem_need(PQescapeLiteral(db->conn, db->origin, strlen(db->origin)));
	sql = mem_printf(db,
	    "SET search_path = public;"
	    "SET mxm.origin = %s;"
	    "SET client_min_messages = warning;"
	    "SET timezone = 'UTC';"
	    "SET datestyle = 'ISO, YMD';"
	    "SET bytea_output = 'hex';"
	    "SET jit = off;"
	    "SET plan_cache_mode = force_generic_plan;"
	    "SET idle_in_transaction_session_timeout = '60s';"
	    "SET lock_timeout = %ld;"
	    "SET statement_timeout = %ld",
	    origin, db->lock_timeout_ms, db->timeout_ms);
	PQfreemem(origin);
	e = conn_command(db, "(session settings)", sql, NULL);
	talloc_free(sql);
	db->timeout_now = db->timeout_ms;
	db->lock_timeout_now = db->lock_timeout_ms;
	if (e || !db->channel)
		return e;
	sql = mem_printf(db, "LISTEN %s", db->channel);
	e = conn_command(db, "(listen)", sql, NULL);
	talloc_free(sql);
	return e;
}

static enum err
open_connection(struct db *db)
{
	bool answered;

	db->unfit = false;
	if (!conn_open(db, &answered)) {
		conn_report_away(db);
		return ERR_UNAVAILABLE;
	}
	if (answered)
		conn_report_answer(db);
	PQsetNoticeReceiver(db->conn, take_notice, NULL);
	if (PQstatus(db->conn) != CONNECTION_OK) {
		conn_set_error(db, "no connection: %s", conn_message(db));
		return ERR_UNAVAILABLE;
	}
	db->unfit = !is_server_fit(db) || !is_direct(db);
	if (db->unfit || !db->conn)
		return ERR_UNAVAILABLE;
	return settle(db) ? ERR_UNAVAILABLE : ERR_OK;
}

enum err
db_connect(struct db *db)
{
	enum err e;

	if (db->conn && PQstatus(db->conn) == CONNECTION_OK)
		return ERR_OK;
	/* A lost connection cannot be replaced within a transaction. */
	if (db->in_tx || clock_steady_us() < db->connect_at)
		return ERR_UNAVAILABLE;
	conn_drop(db);
	e = open_connection(db);
	if (e) {
		conn_drop(db);
		log_new_error(db);
		db->pause_us = db->pause_us ? 2 * db->pause_us : PAUSE_FIRST_US;
		if (db->pause_us > PAUSE_LONGEST_US)
			db->pause_us = PAUSE_LONGEST_US;
		db->connect_at = clock_steady_us() + db->pause_us;
		return e;
	}
	db->pause_us = 0;
	db->connect_at = 0;
	return ERR_OK;
}

/* Checks the schema of a new connection. */
static enum err
check_schema(struct db *db)
{
	struct schema schema;
	TALLOC_CTX *mem;
	enum err e;

	if (clock_steady_us() < db->schema_look_at)
		return ERR_UNAVAILABLE;
	mem = mem_need(talloc_new(db));
	e = migrate_state(mem, db, &schema);
	if (!e && schema.verdict != SCHEMA_CURRENT) {
		conn_set_error(db, "%s", schema.sentence);
		db->schema_look_at = clock_steady_us() + LOOK_AGAIN_US;
		e = ERR_UNAVAILABLE;
	}
	talloc_free(mem);
	if (e) {
		log_new_error(db);
		return ERR_UNAVAILABLE;
	}
	db->schema_good = true;
	log_recovery(db);
	return ERR_OK;
}

/* The shared state of the database. */
static enum err
ask_others(struct db *db)
{
	if (!db->shm || db->in_tx)
		return ERR_OK;
	switch (shm_db_ask(db->shm)) {
	case SHM_DB_GO:
		return ERR_OK;
	case SHM_DB_PROBE:
		conn_drop(db);
		db->connect_at = 0;
		return ERR_OK;
	case SHM_DB_REFUSE:
		break;
	}
	conn_set_error(db, "the server does not answer, or not soon enough");
	return ERR_UNAVAILABLE;
}

enum err
db_ready(struct db *db)
{
	enum err e = ask_others(db);

	if (!e)
		e = db_connect(db);
	if (e || db->schema_good)
		return e;
	return check_schema(db);
}

bool
db_is_unfit(const struct db *db)
{
	return db->unfit;
}

const char *
db_error(const struct db *db)
{
	return db->error ? db->error : "";
}

void
db_close(struct db *db)
{
	assert(!db->in_tx);
	conn_drop(db);
}

const char *
db_constraint(const struct db *db)
{
	return db->constraint;
}

bool
db_in_transaction(const struct db *db)
{
	return db->in_tx;
}

void
db_interrupt(struct db *db, const volatile sig_atomic_t *flag)
{
	db->stop = flag;
	db->cancelled = false;
}

enum err
db_listen(struct db *db, const char *channel)
{
	char *sql;
	enum err e;

	assert(!db->in_tx);
	for (const char *p = channel; *p; p++)
		assert((*p >= 'a' && *p <= 'z') || *p == '_');
	talloc_free(db->channel);
	db->channel = mem_text(db, channel);
	e = db_connect(db);
	if (e)
		return e;
	/* Twice on a new connection, which is harmless. */
	sql = mem_printf(db, "LISTEN %s", channel);
	e = conn_command(db, "(listen)", sql, NULL);
	talloc_free(sql);
	return e;
}

/* Consumes received notifications; true: there were some. */
static bool
take_notifications(struct db *db)
{
	PGnotify *notify;
	bool any = false;

	while ((notify = PQnotifies(db->conn)) != NULL) {
		PQfreemem(notify);
		any = true;
	}
	return any;
}

void
db_unlisten(struct db *db)
{
	talloc_free(db->channel);
	db->channel = NULL;
	if (!db->conn || conn_command(db, "(unlisten)", "UNLISTEN *", NULL))
		return;
	(void)take_notifications(db);
}

enum err
db_wait(struct db *db, int timeout_ms)
{
	int64_t until = clock_steady_us() + (int64_t)timeout_ms * 1000;
	enum err e;
	int n;

	e = db_connect(db);
	if (e)
		return e;
	while (!take_notifications(db)) {
		n = conn_wait_readable(db, until);
		if (n <= 0)
			return ERR_OK;
		if (!PQconsumeInput(db->conn)) {
			conn_set_error(db, "%s", conn_message(db));
			log_new_error(db);
			conn_drop(db);
			return ERR_UNAVAILABLE;
		}
	}
	return ERR_OK;
}
