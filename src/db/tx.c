/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/log.h"
#include "db/conn.h"
#include "db/pipeline.h"
#include "db/session.h"
#include "db/sqlstate.h"
#include "db/tx.h"

static enum err
begin(struct db *db)
{
	enum err e;

	e = db_ready(db);
	if (!e)
		e = session_set_timeouts(db, db->timeout_ms);
	if (e)
		return e;
	return conn_command(db, "(begin)", "BEGIN", NULL);
}

/* Reads the touches of the transaction and commits, in one round trip. */
static enum err
commit_reporting(struct db *db, PGresult **out)
{
	const struct step steps[] = {
		pipeline_touched(),
		{ .name = "(commit)", .sql = "COMMIT" },
	};
	PGresult *results[2];
	enum err e;

	e = query_prepare(db, SQL_touch_of_transaction);
	if (!e)
		e = pipeline_run(db, steps, 2, results);
	if (e)
		return e;
	pipeline_report(db, results[0]);
	PQclear(results[0]);
	*out = results[1];
	return ERR_OK;
}

/*
 * COMMIT of a failed transaction is answered with ROLLBACK: then an error was
 * ignored, which is a bug.
 */
static enum err
commit(struct db *db)
{
	PGresult *res = NULL;
	enum err e;

	if (db->on_touched)
		e = commit_reporting(db, &res);
	else
		e = conn_command(db, "(commit)", "COMMIT", &res);
	if (!e && strcmp(PQcmdStatus(res), "COMMIT") != 0) {
		log_error("bug: a failure within a transaction was ignored");
		e = ERR_INTERNAL;
	}
	PQclear(res);
	return e;
}

/* Rolls back and preserves the error state in db. */
static void
undo(struct db *db)
{
	char constraint[sizeof db->constraint];

	memcpy(constraint, db->constraint, sizeof constraint);
	if (db->conn && PQtransactionStatus(db->conn) != PQTRANS_IDLE &&
	    conn_command(db, "(rollback)", "ROLLBACK", NULL))
		conn_drop(db);
	memcpy(db->constraint, constraint, sizeof constraint);
}

static enum err
run_once(struct db *db, enum err (*fn)(void *), void *arg, bool keep)
{
	enum err e;

	assert(!db->in_tx && !db->in_copy);
	e = begin(db);
	if (e)
		return e;
	db->in_tx = true;
	db->retry = false;
	e = fn(arg);
	if (!e && keep)
		e = commit(db);
	if (e || !keep)
		undo(db);
	db->in_tx = false;
	return e;
}

static enum err
run(struct db *db, enum err (*fn)(void *), void *arg, bool keep)
{
	enum err e;

	for (int tries = 1;; tries++) {
		e = run_once(db, fn, arg, keep);
		if (!e || !conn_retry(db, tries, false))
			return e;
	}
}

enum err
tx_run(struct db *db, enum err (*fn)(void *), void *arg)
{
	return run(db, fn, arg, true);
}

enum err
tx_try(struct db *db, enum err (*fn)(void *), void *arg)
{
	return run(db, fn, arg, false);
}
