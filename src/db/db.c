/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection: opening with a growing pause between failures, settling the
 * session, the verdict on the schema, waiting for the server.
 */
#include "base/base.h"

#include <poll.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/db.h"
#include "db/migrate.h"

#define PAUSE_FIRST_US   INT64_C(50000)
#define PAUSE_LONGEST_US INT64_C(500000)
#define LOOK_AGAIN_US    INT64_C(1000000)
#define GRACE_US         INT64_C(2000000)
#define LOOK_US          INT64_C(100000)
#define SILENCE_US       INT64_C(250000)
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
	talloc_set_destructor(db, db_destroy);
	return db;
}

void
db_share(struct db *db, struct shm *shm, long lock_timeout_ms)
{
	db->shm = shm;
	db->lock_timeout_ms = lock_timeout_ms;
}

void
conn_drop(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->schema_good = false;
	db->schema_look_at = 0;
	memset(db->prepared, 0, sizeof db->prepared);
}

void
conn_complain(struct db *db, const char *fmt, ...)
{
	va_list ap;

	talloc_free(db->complaint);
	va_start(ap, fmt);
	db->complaint = mem_need(talloc_vasprintf(db, fmt, ap));
	va_end(ap);
}

const char *
conn_message(struct db *db)
{
	const char *all = PQerrorMessage(db->conn);
	size_t n = strcspn(all, "\n");

	return n > 0 ? mem_textn(db, all, n) : "the connection was lost";
}

/* Tells the log of the complaint unless it was the last thing it heard. */
static void
log_complaint(struct db *db)
{
	if (db->logged && strcmp(db->logged, db->complaint) == 0)
		return;
	talloc_free(db->logged);
	db->logged = mem_text(db, db->complaint);
	log_warn("database: %s", db->complaint);
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

/* What must hold of any server we talk to. */
static bool
is_server_fit(struct db *db)
{
	const char *encoding = PQparameterStatus(db->conn, "server_encoding");

	if (PQserverVersion(db->conn) < SERVER_OLDEST) {
		conn_complain(db,
		    "the server is PostgreSQL %d, 15 is the oldest that will "
		    "do",
		    PQserverVersion(db->conn) / 10000);
		return false;
	}
	if (encoding && strcmp(encoding, "UTF8") != 0) {
		conn_complain(db,
		    "the database is encoded in %s: make it anew with "
		    "createdb --encoding=UTF8 --template=template0",
		    encoding);
		return false;
	}
	return true;
}

/*
 * A pooler between us and the server answers with a process id of its own. With
 * the others' statements in our session nothing of ours would hold: prepared
 * statements, settings, LISTEN.
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
		conn_complain(db,
		    "the connection goes through a pooler (pgbouncer or the "
		    "like), where sessions are shared; let the setting "
		    "`database` name PostgreSQL's own socket or port");
	return direct;
}

/* A tenth of a time, where there is one. */
static long
tenth(long ms)
{
	return ms > 0 ? (ms + 9) / 10 : 0;
}

enum err
conn_set_timeouts(struct db *db, long ms)
{
	bool hurry = db->shm && shm_db_was_stuck(db->shm);
	long lock = hurry ? tenth(db->lock_timeout_ms) : db->lock_timeout_ms;
	char sql[96];
	enum err e;

	ms = hurry ? tenth(ms) : ms;
	if (db->timeout_now == ms && db->lock_timeout_now == lock)
		return ERR_OK;
	snprintf(sql, sizeof sql,
	    "SET statement_timeout = %ld; SET lock_timeout = %ld", ms, lock);
	e = conn_command(db, "(timeouts)", sql, NULL);
	if (!e) {
		db->timeout_now = ms;
		db->lock_timeout_now = lock;
	}
	return e;
}

/*
 * The session's settings. They are statements and not start-up options, since
 * pgbouncer refuses options. Statements are short and prepared: compiling one
 * took 120 ms where running it took 3, and the plan that is made once must do
 * for all values (t/sql looks at the plans).
 */
static enum err
settle(struct db *db)
{
	char *sql;
	enum err e;

	sql = mem_printf(db,
	    "SET search_path = public;"
	    "SET client_min_messages = warning;"
	    "SET timezone = 'UTC';"
	    "SET datestyle = 'ISO, YMD';"
	    "SET bytea_output = 'hex';"
	    "SET jit = off;"
	    "SET plan_cache_mode = force_generic_plan;"
	    "SET idle_in_transaction_session_timeout = '60s';"
	    "SET lock_timeout = %ld;"
	    "SET statement_timeout = %ld",
	    db->lock_timeout_ms, db->timeout_ms);
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

/* Nobody answers, as the whole host is told. */
static void
say_away(struct db *db)
{
	conn_complain(db, "the server does not answer");
	if (db->shm && shm_db_away(db->shm))
		log_warn("database: the server does not answer; requests that "
			 "need it get 503 until it does");
}

/* The server answers, be it with an error. */
static void
say_answered(struct db *db)
{
	if (db->shm && shm_db_answered(db->shm))
		log_info("database: the server answers again");
}

static enum err
open_connection(struct db *db)
{
	bool heard;

	db->unfit = false;
	if (!conn_open(db, &heard)) {
		say_away(db);
		return ERR_UNAVAILABLE;
	}
	if (heard)
		say_answered(db);
	PQsetNoticeReceiver(db->conn, take_notice, NULL);
	if (PQstatus(db->conn) != CONNECTION_OK) {
		conn_complain(db, "no connection: %s", conn_message(db));
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
	/* What a transaction has lost does not come back within it. */
	if (db->in_tx || clock_steady_us() < db->connect_at)
		return ERR_UNAVAILABLE;
	conn_drop(db);
	e = open_connection(db);
	if (e) {
		conn_drop(db);
		log_complaint(db);
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

/* Reads the verdict on the schema of a connection that has none yet. */
static enum err
judge_schema(struct db *db)
{
	struct schema schema;
	TALLOC_CTX *mem;
	enum err e;

	if (clock_steady_us() < db->schema_look_at)
		return ERR_UNAVAILABLE;
	mem = mem_need(talloc_new(db));
	e = migrate_state(mem, db, &schema);
	if (!e && schema.verdict != SCHEMA_CURRENT) {
		conn_complain(db, "%s", schema.sentence);
		db->schema_look_at = clock_steady_us() + LOOK_AGAIN_US;
		e = ERR_UNAVAILABLE;
	}
	talloc_free(mem);
	if (e) {
		log_complaint(db);
		return ERR_UNAVAILABLE;
	}
	db->schema_good = true;
	log_recovery(db);
	return ERR_OK;
}

/* What the other workers know of the database. */
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
	conn_complain(db, "the server does not answer, or not soon enough");
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
	return judge_schema(db);
}

bool
db_is_unfit(const struct db *db)
{
	return db->unfit;
}

const char *
db_complaint(const struct db *db)
{
	return db->complaint ? db->complaint : "";
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

/*
 * Until the socket can be read: 1, the time is up: 0, a signal: -1. `until` is
 * of the steady clock; negative: for ever.
 */
static int
wait_readable(struct db *db, int64_t until)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };
	int64_t left_ms = -1;
	int n;

	if (until >= 0) {
		left_ms = (until - clock_steady_us() + 999) / 1000;
		if (left_ms < 0)
			left_ms = 0;
	}
	n = poll(&p, 1, (int)left_ms);
	assert(n >= 0 || errno == EINTR);
	return n;
}

bool
conn_is_alive(struct db *db)
{
	/* A farewell may be readable before the end is. */
	while (wait_readable(db, 0) == 1) {
		if (!PQconsumeInput(db->conn)) {
			conn_drop(db);
			return false;
		}
	}
	return true;
}

void
db_interrupt(struct db *db, const volatile sig_atomic_t *flag)
{
	db->stop = flag;
	db->cancelled = false;
}

void
conn_cancel(struct db *db)
{
	PGcancel *cancel;
	char why[256];

	/* PQcancel() waits for ever for a server that is frozen. */
	if (!conn_probe(db)) {
		conn_drop(db);
		return;
	}
	cancel = PQgetCancel(db->conn);
	if (!cancel || !PQcancel(cancel, why, sizeof why))
		conn_drop(db);
	PQfreeCancel(cancel);
}

/* Once: what undoes the transaction must not be cancelled as well. */
static void
heed_interrupt(struct db *db)
{
	if (!db->stop || !*db->stop || db->cancelled)
		return;
	db->cancelled = true;
	conn_cancel(db);
}

/*
 * After a while of waiting: is the server there at all? A statement may take
 * its time, or wait for a lock; but when no worker has heard anything for a
 * while, and a new connection is not answered either, it hangs.
 */
static bool
is_server_there(struct db *db, int64_t since)
{
	if (!db->shm)
		return true;
	if (clock_steady_us() - since < SILENCE_US ||
	    shm_db_silence_us(db->shm) < SILENCE_US)
		return true;
	if (!shm_db_is_away(db->shm) && conn_probe(db)) {
		(void)shm_db_answered(db->shm);
		return true;
	}
	say_away(db);
	return false;
}

/* Waits for more of the answer: 1, it is overdue: 0, lost: -1. */
static int
take_more(struct db *db, int64_t until)
{
	int64_t since = clock_steady_us(), look = since;
	int n;

	do {
		look += LOOK_US;
		n = wait_readable(
		    db, db->shm && (until < 0 || look < until) ? look : until);
		if (n == 0 && until >= 0 && clock_steady_us() >= until) {
			log_error("database: no answer %ld ms after the "
				  "statement timeout",
			    (long)(GRACE_US / 1000));
			return 0;
		}
		if (n == 0 && !is_server_there(db, since))
			return 0;
	} while (n == 0);
	if (n > 0 && !PQconsumeInput(db->conn))
		return -1;
	return 1;
}

/* When an answer is overdue; -1: never. */
static int64_t
overdue_at(const struct db *db)
{
	if (db->timeout_now <= 0)
		return -1;
	return clock_steady_us() + db->timeout_now * 1000 + GRACE_US;
}

/* The next result, NULL too when there is none; false: lost or overdue. */
static bool
next_result(struct db *db, int64_t until, PGresult **out)
{
	int n;

	*out = NULL;
	while (PQisBusy(db->conn)) {
		heed_interrupt(db);
		if (!db->conn)
			return false;
		n = take_more(db, until);
		if (n == 0)
			return false;
		if (n < 0)
			break;
	}
	*out = PQgetResult(db->conn);
	return true;
}

/* The last of the results, or NULL when the connection is lost. */
static PGresult *
last_result(struct db *db)
{
	PGresult *last = NULL;
	PGresult *res;
	int64_t until = overdue_at(db);

	for (;;) {
		if (!next_result(db, until, &res)) {
			PQclear(last);
			conn_drop(db);
			return NULL;
		}
		if (!res)
			return last;
		PQclear(last);
		last = res;
		if (PQresultStatus(res) == PGRES_COPY_IN ||
		    PQresultStatus(res) == PGRES_COPY_OUT)
			return last;
	}
}

PGresult *
conn_wait(struct db *db)
{
	PGresult *res;

	if (!db->shm)
		return last_result(db);
	shm_db_waits(db->shm);
	res = last_result(db);
	shm_db_done(db->shm);
	if (res)
		say_answered(db);
	return res;
}

bool
conn_copied(struct db *db, char **row)
{
	int64_t until = -1;
	int n;

	for (;;) {
		if (!db->conn)
			return false;
		heed_interrupt(db);
		if (!db->conn)
			return false;
		n = PQgetCopyData(db->conn, row, 1);
		if (n != 0)
			return n > 0;
		until = until < 0 ? overdue_at(db) : until;
		n = take_more(db, until);
		if (n == 0)
			conn_drop(db);
		if (n <= 0)
			return false;
	}
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
	/* Twice on a new connection, which does no harm. */
	sql = mem_printf(db, "LISTEN %s", channel);
	e = conn_command(db, "(listen)", sql, NULL);
	talloc_free(sql);
	return e;
}

/* Takes the notifications that have arrived; true: there were some. */
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
		n = wait_readable(db, until);
		if (n <= 0)
			return ERR_OK;
		if (!PQconsumeInput(db->conn)) {
			conn_complain(db, "%s", conn_message(db));
			log_complaint(db);
			conn_drop(db);
			return ERR_UNAVAILABLE;
		}
	}
	return ERR_OK;
}
