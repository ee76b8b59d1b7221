/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several steps in one round trip, only for the sources of db/.
 */
#ifndef DB_PIPELINE_H
#define DB_PIPELINE_H

#include "base/base.h"

#include <libpq-fe.h>

struct binding;
struct db;

/* A step of a pipeline: a prepared statement, or SQL. */
struct step {
	const char *name;
	const char *sql;               /* NULL: `name` is prepared */
	const struct binding *binding; /* NULL: no arguments */
};

/*
 * Sends the steps and a sync, which commits unless they end the transaction
 * themselves, and waits for all results. On ERR_OK results[i] is that of step
 * i; free them with PQclear(). After an error nothing was committed, or,
 * if the connection was lost (ERR_UNAVAILABLE), possibly everything.
 */
enum err pipeline_run(
    struct db *db, const struct step *steps, int n, PGresult **results);

/* SQL_touch_of_transaction, which reads at most one row more than is reported.
 */
struct step pipeline_touched(void);

/* Calls db->on_touched with the rows of pipeline_touched(). */
void pipeline_report(const struct db *db, const PGresult *touched);

#endif
