/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs named statements. Each is prepared at its first use on a connection.
 *
 *	e = query_one(r->mem, r->db, &row, SQL_movie_by_slug, arg_text(slug));
 *
 * What a failure means: ERR_CONFLICT a unique rule (db_constraint() has its
 * name), ERR_NOT_FOUND a reference to nothing, or no row where one is wanted,
 * ERR_INVALID a value that its column does not take, ERR_UNAVAILABLE a server
 * that is away, too slow, full or read-only, ERR_INTERNAL the rest, with the
 * statement's name in the log.
 *
 * A reading statement that finds the connection dead is run once more on a new
 * one, unless a transaction is open; a writing one never is: it may have been
 * done. A deadlock or serialization failure outside a transaction is tried
 * again here, within one it is tx_run() that tries all of it again.
 */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include "base/base.h"

#include "db/arg.h"
#include "db/db.h"
#include "db/row.h"
#include "db/stmt.h"

/* The first row of a :one or :owned statement; none: ERR_NOT_FOUND. */
#define query_one(MEM, DB, OUT, STMT, ...)        \
	query_run_one((MEM), (DB), (OUT), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* All rows of a :many statement; none is no failure. */
#define query_all(MEM, DB, OUT, STMT, ...)        \
	query_run_all((MEM), (DB), (OUT), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* Runs an :exec statement; `affected` (rows changed) may be NULL. */
#define query_exec(MEM, DB, AFFECTED, STMT, ...)        \
	query_run_exec((MEM), (DB), (AFFECTED), (STMT), \
	    (const struct arg[]){ __VA_ARGS__, arg_end })

/* Runs a :script statement: all of it or, when one part fails, nothing. */
enum err query_script(TALLOC_CTX *mem, struct db *db, enum stmt s);

/*
 * Prepares a statement and compares the parameter types that the server infers
 * with those declared. *complaint is NULL when all is well, else a sentence
 * below `mem`. A statement that makes a temporary table is run, so that later
 * ones may use it: call this within a transaction that is rolled back.
 */
enum err query_check(
    TALLOC_CTX *mem, struct db *db, enum stmt s, const char **complaint);

/* What the macros above call. `args` ends with arg_end. */
enum err query_run_one(TALLOC_CTX *mem, struct db *db, struct row *out,
    enum stmt s, const struct arg *args);
enum err query_run_all(TALLOC_CTX *mem, struct db *db, struct rows *out,
    enum stmt s, const struct arg *args);
enum err query_run_exec(TALLOC_CTX *mem, struct db *db, long *affected,
    enum stmt s, const struct arg *args);

#endif
