/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database handle: connecting with back-off, notifications.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/db.h"
#include "db/session.h"
#include "db/sqlstate.h"

#define PAUSE_FIRST_US   INT64_C(50000)
#define PAUSE_LONGEST_US INT64_C(500000)
#define SERVER_OLDEST    150000
/* For what is asked of a new connection; a pooler may have none left. */
#define FIRST_MS 1000

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
db_trace(struct db *db, const char *comment)
{
	db->comment = comment;
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

void
db_set_timeout(struct db *db, long ms)
{
	db->timeout_ms = ms;
}

void
db_want_standby(struct db *db)
{
	db->standby = true;
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
 * Whether the session belongs to this connection. The result for a pooler is
 * valid for the process, until prepared statements turn out to be missing
 * (db/retry.c). A pooler may not have reset the session after its last use.
 */
static bool
is_session_own(struct db *db)
{
	bool pooler;

	if (db->own_session)
		return true;
	if (pooler_shares_sessions(db, &pooler)) {
		conn_set_error(db,
		    "the connection goes through a pooler (pgbouncer or the "
		    "like) that shares sessions; set pool_mode = session for "
		    "this database in its configuration, or let the setting "
		    "`database` name PostgreSQL's own socket or port");
		return false;
	}
	db->own_session = pooler;
	return true;
}

/*
 * Whether it is a standby exactly if one is wanted. Answers of a standby may be
 * outdated and must not be cached.
 */
static bool
has_right_part(struct db *db)
{
	PGresult *res = NULL;
	bool right = false;

	if (conn_command(db, "(standby)", "SELECT pg_is_in_recovery()", &res)) {
		PQclear(res);
		return false;
	}
	right = (*PQgetvalue(res, 0, 0) == 't') == db->standby;
	PQclear(res);
	if (!right && db->standby)
		conn_set_error(db, "the server is not a standby");
	else if (!right)
		conn_set_error(db,
		    "the server is a standby, which is read-only; wait for its "
		    "promotion, or let the setting `database` lead to the "
		    "primary server");
	return right;
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
	/* a pooler accepts connections for a server that hangs */
	if (answered && !db->own_session)
		conn_report_answer(db);
	PQsetNoticeReceiver(db->conn, take_notice, NULL);
	if (PQstatus(db->conn) != CONNECTION_OK) {
		conn_set_error(db, "no connection: %s", conn_message(db));
		return ERR_UNAVAILABLE;
	}
	db->timeout_now = FIRST_MS;
	db->unfit = !is_server_fit(db) || !is_session_own(db);
	if (db->unfit || !has_right_part(db))
		return ERR_UNAVAILABLE;
	return session_settle(db) ? ERR_UNAVAILABLE : ERR_OK;
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
	conn_count(db, e ? SHM_DB_NOT_OPENED : SHM_DB_OPENED);
	if (e) {
		conn_drop(db);
		conn_log_error(db, db->unfit ? EVENT_DATABASE_UNSUITABLE :
					       EVENT_DATABASE_LOST);
		db->pause_us = db->pause_us ? 2 * db->pause_us : PAUSE_FIRST_US;
		if (db->pause_us > PAUSE_LONGEST_US)
			db->pause_us = PAUSE_LONGEST_US;
		db->connect_at = clock_steady_us() + db->pause_us;
		return e;
	}
	db->pause_us = 0;
	db->connect_at = 0;
	db->opened++;
	return ERR_OK;
}

unsigned
db_connections(const struct db *db)
{
	return db->opened;
}

bool
db_is_unfit(const struct db *db)
{
	return db->unfit;
}

bool
db_disk_is_full(const struct db *db)
{
	return db->disk_full;
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
			conn_log_error(db, EVENT_DATABASE_LOST);
			conn_drop(db);
			return ERR_UNAVAILABLE;
		}
	}
	return ERR_OK;
}
