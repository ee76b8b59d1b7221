/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the session at the server: once for a connection, and timeouts.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/session.h"
#include "db/sqlstate.h"

/*
 * The session settings. They are statements and not startup options, because
 * pgbouncer refuses options. Statements are short and prepared: JIT compilation
 * took 120 ms for an execution of 3, and the generic plan must be good for all
 * values (t/sql checks the plans).
 */
enum err
session_settle(struct db *db)
{
	char *sql, *origin;
	enum err e;

	if (db->own_session) {
		e = conn_command(db, "(pooler)", "DISCARD ALL", NULL);
		if (e)
			return e;
	}

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

/* A tenth of a timeout; 0 stays 0. */
static long
tenth(long ms)
{
	return ms > 0 ? (ms + 9) / 10 : 0;
}

enum err
session_set_timeouts(struct db *db, long ms)
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
