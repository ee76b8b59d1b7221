/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A migrated database of its own for every test, cloned from one that main()
 * makes once. MXM_TEST_DATABASE is the conninfo of a server where we may create
 * databases (`./run check` starts a private one); without it every test of the
 * program is skipped and says so.
 */
#ifndef T_UNIT_DB_WORLD_H
#define T_UNIT_DB_WORLD_H

#include "base/base.h"

#include <libpq-fe.h>

#include "db/db.h"

extern TALLOC_CTX *mem;    /* of the test */
extern struct db *db;      /* on the test's database, not yet connected */
extern PGconn *other;      /* another session on the same database */
extern const char *dbinfo; /* conninfo of the test's database */

/* The .init and .fini of a suite. */
void world_open(void);
void world_close(void);

/* Runs SQL as `other`; a failure fails the test. */
void sql(const char *text);

/* The single value that SQL gives `other`, below `mem`. */
const char *sql_value(const char *text);

/* Ends the server process behind `db`, as a restart would. */
void kill_backend(void);

/* Waits (20 s at most) until the SQL gives `other` a true boolean. */
void sql_until(const char *text);

#endif
