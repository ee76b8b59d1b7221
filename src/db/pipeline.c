/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several steps in one round trip, with the pipeline mode of libpq. Steps
 * outside of BEGIN and COMMIT are one transaction, which the sync at the end
 * commits.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/pipeline.h"
#include "db/sqlstate.h"

#define TEXT_OF(x)      #x
#define EXPANDED(macro) TEXT_OF(macro)

static bool
send_step(struct db *db, const struct step *step)
{
	const struct binding *b = step->binding;

	if (step->sql)
		return PQsendQueryParams(db->conn, step->sql, b ? b->n : 0,
			   NULL, b ? b->values : NULL, b ? b->lengths : NULL,
			   b ? b->formats : NULL, 0) == 1;
	return PQsendQueryPrepared(db->conn, step->name, b ? b->n : 0,
		   b ? b->values : NULL, b ? b->lengths : NULL,
		   b ? b->formats : NULL, 0) == 1;
}

static bool
send_all(struct db *db, const struct step *steps, int n)
{
	if (!PQenterPipelineMode(db->conn))
		return false;
	for (int i = 0; i < n; i++) {
		if (!send_step(db, &steps[i]))
			return false;
	}
	return PQpipelineSync(db->conn) == 1;
}

/*
 * Reads results up to that of the sync. After an error the other results are
 * ignored; a failing commit is an error after the last step.
 */
static enum err
read_all(struct db *db, const struct step *steps, int n, PGresult **results)
{
	enum err e = ERR_OK;
	int i = 0;

	while (db->conn) {
		PGresult *res = conn_wait(db);
		ExecStatusType status = PQresultStatus(res);

		if (res && status == PGRES_PIPELINE_SYNC) {
			PQclear(res);
			return e;
		}
		if (!e && status != PGRES_PIPELINE_ABORTED)
			e = conn_check(
			    db, i < n ? steps[i].name : "(commit)", res);
		if (!e && i < n)
			results[i++] = res;
		else
			PQclear(res);
		if (!res)
			conn_drop(db);
	}
	return e ? e : ERR_UNAVAILABLE;
}

enum err
pipeline_run(struct db *db, const struct step *steps, int n, PGresult **results)
{
	enum err e;

	for (int i = 0; i < n; i++)
		results[i] = NULL;
	if (!db->conn)
		return ERR_UNAVAILABLE;
	if (send_all(db, steps, n))
		e = read_all(db, steps, n, results);
	else
		e = conn_check(db, steps[0].name, NULL);
	if (db->conn && !PQexitPipelineMode(db->conn))
		conn_drop(db);
	for (int i = 0; e && i < n; i++) {
		PQclear(results[i]);
		results[i] = NULL;
	}
	return e;
}

struct step
pipeline_touched(void)
{
	static const struct binding most = { .n = 1,
		.values = { EXPANDED(DB_TOUCHED_MAX) } };

	return (struct step){ .name = stmt_info(SQL_touch_of_transaction)->name,
		.binding = &most };
}

void
pipeline_report(const struct db *db, const PGresult *touched)
{
	int n = PQntuples(touched);
	struct db_touch *rows;

	if (n > DB_TOUCHED_MAX)
		db->on_touched(db->touched_arg, NULL, 0);
	if (n == 0 || n > DB_TOUCHED_MAX)
		return;
	rows = mem_array(db, struct db_touch, (size_t)n);
	for (int i = 0; i < n; i++)
		rows[i] = (struct db_touch){ PQgetvalue(touched, i, 0),
			PQgetvalue(touched, i, 1) };
	db->on_touched(db->touched_arg, rows, (size_t)n);
	talloc_free(rows);
}
