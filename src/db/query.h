/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executes named statements, which are prepared on first use on a connection.
 *
 *	e = query_one(r->mem, r->db, &row, SQL_movie_by_slug, arg_text(slug));
 *
 * Errors: ERR_CONFLICT, a unique constraint (its name is db_constraint());
 * ERR_NOT_FOUND, a foreign key, or no row where one is required; ERR_INVALID, a
 * value that the column does not accept; ERR_UNAVAILABLE, the server is
 * unavailable, too slow, full or read-only; ERR_INTERNAL, others, logged with
 * the name of the statement.
 *
 * If the connection is lost, a reading statement is retried once on a new one,
 * unless a transaction is open; a writing one is not, because it may have been
 * executed. After a deadlock or serialization failure a statement is tried up
 * to five times, as a transaction is by tx_run() (db/retry.c).
 */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include "base/base.h"

#include "db/arg.h"
#include "db/db.h"
#include "db/row.h"
#include "db/stmt.h"

/* The first row of a :one or :owned statement; no row: ERR_NOT_FOUND. */
#define query_one(MEM, DB, OUT, STMT, ...)        \
	query_run_one((MEM), (DB), (OUT), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* All rows of a :many statement; may be none. */
#define query_all(MEM, DB, OUT, STMT, ...)        \
	query_run_all((MEM), (DB), (OUT), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* Runs an :exec statement; `affected` (rows changed) may be NULL. */
#define query_exec(MEM, DB, AFFECTED, STMT, ...)        \
	query_run_exec((MEM), (DB), (AFFECTED), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* Runs a :script statement atomically. */
enum err query_script(TALLOC_CTX *mem, struct db *db, enum stmt s);

/*
 * Prepares a statement and compares the parameter types inferred by the server
 * with the declared ones. *fault is NULL or an error message below `mem`. A
 * statement that creates a temporary table is executed for the following ones:
 * call this within a transaction that is rolled back.
 */
enum err query_check(
    TALLOC_CTX *mem, struct db *db, enum stmt s, const char **fault);

/* Called by the macros above. `args` ends with arg_end. */
enum err query_run_one(TALLOC_CTX *mem, struct db *db, struct row *out,
    enum stmt s, const struct arg *args);
enum err query_run_all(TALLOC_CTX *mem, struct db *db, struct rows *out,
    enum stmt s, const struct arg *args);
enum err query_run_exec(TALLOC_CTX *mem, struct db *db, long *affected,
    enum stmt s, const struct arg *args);

#endif
