/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mxmctl backup needs of the database: a snapshot for pg_dump, and the
 * connection for it.
 */
#ifndef DB_DUMP_H
#define DB_DUMP_H

#include "base/base.h"

#include "db/db.h"

/* Rows of tables, by which an empty database is recognised, too. */
struct dump_counts {
	int64_t accounts, movies, ratings, reviews;
};

struct dump {
	const char *snapshot; /* its name, for pg_dump --snapshot */
	int schema;           /* number of the newest migration */
	struct dump_counts counts;
};

/*
 * Begins a transaction on a connected handle and exports its snapshot, which is
 * valid until dump_end(). `out` is allocated below `mem`. ERR_NOT_FOUND: the
 * database has no tables. Not limited by timeouts.
 */
enum err dump_begin(TALLOC_CTX *mem, struct db *db, struct dump *out);
void dump_end(struct db *db);

/*
 * Counts the rows. *any: schema public has relations of any program. If they
 * are not those of this one, the counts are -1. Waits at most 5 s for locks.
 */
enum err dump_count(struct db *db, bool *any, struct dump_counts *out);

/*
 * The environment for PostgreSQL's programs to connect as this connected handle
 * does: that of the process, and variables of libpq, the password among them.
 * Ends with NULL; below `mem`. NULL: *why is the keyword of the connection
 * string that has no variable.
 */
const char *const *dump_environment(
    TALLOC_CTX *mem, const struct db *db, const char **why);

#endif
