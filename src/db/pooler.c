/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a connection pooler shares the session of a connection with others.
 * Settings, prepared statements and LISTEN belong to a session, so a pooler has
 * to keep it for one client (pgbouncer: pool_mode = session).
 *
 * pgbouncer does not show its mode to its users. But if it shares sessions, a
 * connection is served by another server process from time to time, or two
 * connections by the same one; with sessions of their own neither ever occurs.
 * Two connections take turns, so that it occurs at once in an idle pool,
 * whether the pooler prefers the process that was used last or first, and in
 * one of the rounds in a busy pool. Nothing but a number is read, because the
 * sessions may be those of others.
 */
#include "base/base.h"

#include "base/mem.h"
#include "db/conn.h"
#include "db/db.h"
#include "db/sqlstate.h"

#define ROUNDS    20
#define SECOND_MS 1 /* and the grace period: a pool may be full */

/* The server process of this moment; 0: no answer. */
static int
server_process(struct db *db)
{
	PGresult *res = NULL;
	int process = 0;

	if (!conn_command(
		db, "(whose session)", "SELECT pg_backend_pid()", &res))
		process = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return process;
}

/* Whether one of the processes is not that of its connection alone. */
static bool
take_turns(struct db *db, struct db *other, int mine)
{
	for (int i = 0; i < ROUNDS && db->conn && other->conn; i++) {
		int theirs = server_process(other);

		/* twice, since two processes may alternate */
		if (!theirs || theirs == mine || server_process(db) != mine ||
		    server_process(db) != mine)
			return theirs != 0 && db->conn;
	}
	return false;
}

bool
pooler_shares_sessions(struct db *db, bool *pooler)
{
	int mine = server_process(db);
	struct db *other;
	bool answered, shares;

	*pooler = mine && mine != PQbackendPID(db->conn);
	if (!*pooler)
		return false;
	other = db_new(db, db->conninfo, SECOND_MS);
	other->standby = db->standby;
	other->timeout_now = SECOND_MS;
	shares = conn_open(other, &answered) &&
		 PQstatus(other->conn) == CONNECTION_OK &&
		 take_turns(db, other, mine);
	talloc_free(other);
	return shares;
}
