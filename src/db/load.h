/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replaces the content of the database by a dump, in one transaction: until its
 * commit others wait for the locks of the tables or see the old content, and if
 * anything fails, the old content stays.
 */
#ifndef DB_LOAD_H
#define DB_LOAD_H

#include "base/base.h"

#include "db/db.h"

struct load;

/*
 * Begins on a connected handle whose role owns the tables: locks and drops what
 * there is. Waits up to a minute for locks, a few seconds at a time, in which
 * requests wait, too. ERR_CONFLICT: a migration or another restore is running,
 * or the tables stay locked; ERR_UNAVAILABLE: no connection.
 */
enum err load_begin(TALLOC_CTX *mem, struct db *db, struct load **out);

/*
 * Runs a part of the output of pg_restore: SQL and data of COPY, cut anywhere.
 * Commands of psql are ignored. ERR_INVALID: it is not one.
 */
enum err load_add(struct load *l, const char *p, size_t n);

/* The end of that output. */
enum err load_end(struct load *l);

/* Ends all sessions of users. After the migrations. */
enum err load_end_sessions(struct db *db);

/*
 * Collects statistics, reads the incarnation (sql/jobs.sql) and whether there
 * is a published model.
 */
enum err load_finish(struct db *db, uint64_t *incarnation, bool *has_model);

/*
 * Commits and notifies mxm-jobs, or rolls back. ERR_UNAVAILABLE: the connection
 * was lost during the commit, whose result is unknown.
 */
enum err load_commit(struct db *db);
void load_abort(struct db *db);

#endif
