/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Use of a connection: waiting with timeouts, cancelling, COPY data, closing.
 */
#include "base/base.h"

#include <poll.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"

#define GRACE_US   INT64_C(2000000)
#define LOOK_US    INT64_C(100000)
#define SILENCE_US INT64_C(250000)

void
conn_count(struct db *db, enum shm_event event)
{
	if (db->shm)
		shm_happened(db->shm, event);
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
conn_set_error(struct db *db, const char *fmt, ...)
{
	va_list ap;

	talloc_free(db->error);
	va_start(ap, fmt);
	db->error = mem_need(talloc_vasprintf(db, fmt, ap));
	va_end(ap);
}

const char *
conn_message(struct db *db)
{
	const char *all = PQerrorMessage(db->conn);
	size_t n = strcspn(all, "\n");

	return n > 0 ? mem_textn(db, all, n) : "the connection was lost";
}

void
conn_log_error(struct db *db, enum log_event event)
{
	if (db->logged && strcmp(db->logged, db->error) == 0)
		return;
	talloc_free(db->logged);
	db->logged = mem_text(db, db->error);
	log_event(LOG_LEVEL_WARNING, event, "database: %s", db->error);
}

/* Sets the state of the host to unavailable. */
void
conn_report_away(struct db *db)
{
	conn_set_error(db, "the server does not answer");
	if (db->shm && shm_db_away(db->shm))
		log_event(LOG_LEVEL_WARNING, EVENT_DATABASE_LOST,
		    "database: the server does not answer; requests that "
		    "need it get 503 until it does");
}

/* The server has answered, possibly with an error. */
void
conn_report_answer(struct db *db)
{
	if (db->shm && shm_db_answered(db->shm))
		log_event(LOG_LEVEL_INFO, EVENT_DATABASE_BACK,
		    "database: the server answers again");
}

/*
 * Waits until the socket is readable: 1; timeout: 0; a signal: -1. `until` is
 * of the steady clock; negative: no limit.
 */
int
conn_wait_readable(struct db *db, int64_t until)
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
	/* A last message may be readable before the end of file. */
	while (conn_wait_readable(db, 0) == 1) {
		if (!PQconsumeInput(db->conn)) {
			conn_drop(db);
			return false;
		}
	}
	return true;
}

void
conn_cancel(struct db *db)
{
	PGcancel *cancel;
	char why[256];

	/* PQcancel() has no timeout and would wait for a frozen server. */
	if (!conn_probe(db)) {
		conn_drop(db);
		return;
	}
	cancel = PQgetCancel(db->conn);
	if (!cancel || !PQcancel(cancel, why, sizeof why))
		conn_drop(db);
	PQfreeCancel(cancel);
}

/* Only once: the rollback must not be cancelled. */
static void
check_interrupt(struct db *db)
{
	if (!db->stop || !*db->stop || db->cancelled)
		return;
	db->cancelled = true;
	conn_cancel(db);
}

/*
 * Called after waiting for a while: whether the server answers at all. A
 * statement may be slow or wait for a lock; but if no worker has received an
 * answer for a while, and a new connection is not answered either, the server
 * hangs.
 */
static bool
is_server_there(struct db *db, int64_t since)
{
	if (!db->shm && !db->standby)
		return true;
	if (clock_steady_us() - since < SILENCE_US)
		return true;
	if (!db->shm && conn_probe(db))
		return true;
	if (db->shm && shm_db_silence_us(db->shm) < SILENCE_US)
		return true;
	if (db->shm && !shm_db_is_away(db->shm) && conn_probe(db)) {
		(void)shm_db_answered(db->shm);
		return true;
	}
	conn_report_away(db);
	return false;
}

/* Waits for more of the answer: 1; overdue: 0; connection lost: -1. */
static int
take_more(struct db *db, int64_t until)
{
	int64_t since = clock_steady_us(), look = since;
	bool watch = db->shm || db->standby;
	int n;

	do {
		look += LOOK_US;
		n = conn_wait_readable(
		    db, watch && (until < 0 || look < until) ? look : until);
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

/* The next result, NULL: none; false: connection lost or overdue. */
static bool
next_result(struct db *db, int64_t until, PGresult **out)
{
	int n;

	*out = NULL;
	while (PQisBusy(db->conn)) {
		check_interrupt(db);
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

/* The last result; NULL: the connection is lost. */
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
		conn_report_answer(db);
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
		check_interrupt(db);
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
