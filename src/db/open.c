/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens a connection with a timeout. That of libpq is in whole seconds, and a
 * frozen server accepts connections without answering.
 */
#include "base/base.h"

#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/conn.h"

/* Timeout for a single host; several hosts are handled by libpq.
 */
#define WORKER_MS 700
#define OTHERS_MS 2000
#define PROBE_MS  400

/* Parameters before dbname are overridden by conninfo. */
static const char *const names[] = { "connect_timeout", "client_encoding",
	"fallback_application_name", "target_session_attrs", "dbname", NULL };

bool
conn_has_hosts(const char *conninfo)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
	bool several = false;

	for (PQconninfoOption *o = all; o && o->keyword; o++) {
		if (strncmp(o->keyword, "host", 4) == 0 && o->val)
			several |= strchr(o->val, ',') != NULL;
	}
	PQconninfoFree(all);
	return several;
}

/*
 * Whether any data was accepted. A server with a full listen queue refuses
 * before that, as does one that is not running.
 */
static bool
was_sent(const PGconn *conn)
{
	switch (PQstatus(conn)) {
	case CONNECTION_NEEDED:
	case CONNECTION_STARTED:
	case CONNECTION_MADE:
	case CONNECTION_BAD:
		return false;
	default:
		return true;
	}
}

/* false: timeout. */
static bool
finish(PGconn *conn, int64_t until, bool *sent)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
		struct pollfd p = { .fd = PQsocket(conn),
			.events = status == PGRES_POLLING_READING ? POLLIN :
								    POLLOUT };
		int64_t left = until - clock_steady_us();

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)(left / 1000) + 1) > 0)
			status = PQconnectPoll(conn);
		*sent = *sent || was_sent(conn);
	}
	return true;
}

/* Connected or failed; NULL: timeout. */
static PGconn *
open_within(const struct db *db, int ms, bool *answered)
{
	const char *server = !db->many_hosts ? "any" :
			     db->standby     ? "standby" :
					       "read-write";
	const char *const values[] = { "2", "UTF8", "moviesxmovies", server,
		db->conninfo, NULL };
	PGconn *conn;

	*answered = false;
	if (db->many_hosts) {
		conn = mem_need(PQconnectdbParams(names, values, 1));
		*answered = PQstatus(conn) == CONNECTION_OK;
		return conn;
	}
	conn = mem_need(PQconnectStartParams(names, values, 1));
	if (PQstatus(conn) == CONNECTION_BAD ||
	    finish(conn, clock_steady_us() + ms * INT64_C(1000), answered))
		return conn;
	PQfinish(conn);
	*answered = false;
	return NULL;
}

bool
conn_open(struct db *db, bool *answered)
{
	db->conn = open_within(
	    db, db->shm || db->standby ? WORKER_MS : OTHERS_MS, answered);
	return db->conn != NULL;
}

static bool
runs_statement(PGconn *conn, int64_t until)
{
	struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
	int64_t left;

	if (!PQsendQuery(conn, "SELECT 1"))
		return false;
	while (PQisBusy(conn)) {
		left = until - clock_steady_us();
		if (left <= 0 || (poll(&p, 1, (int)(left / 1000) + 1) > 0 &&
				     !PQconsumeInput(conn)))
			return false;
	}
	return true;
}

bool
conn_probe(const struct db *db)
{
	int64_t until = clock_steady_us() + PROBE_MS * INT64_C(1000);
	bool answered;
	PGconn *conn = open_within(db, PROBE_MS, &answered);

	/* a pooler accepts connections for a server that hangs */
	if (db->own_session && answered && PQstatus(conn) == CONNECTION_OK)
		answered = runs_statement(conn, until);
	PQfinish(conn);
	return answered;
}
