/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of results, only for the sources of db/.
 */
#ifndef DB_SQLSTATE_H
#define DB_SQLSTATE_H

#include "base/base.h"

#include <libpq-fe.h>

struct db;

/*
 * The error of a result (NULL: connection lost): ERR_OK, or an error with
 * constraint, retry, lost, outdated and the message set in db, and logged if
 * necessary; a lost connection is closed. `name` is for the log.
 */
enum err conn_check(struct db *db, const char *name, const PGresult *res);

/* Clears the state of the previous error; `retry` stays within a transaction.
 */
void conn_forget_failure(struct db *db);

/*
 * Sends plain SQL and checks the result, without connecting. The caller must
 * PQclear() *out (may be NULL), also after an error.
 */
enum err conn_command(
    struct db *db, const char *name, const char *sql, PGresult **out);

#endif
