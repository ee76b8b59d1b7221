/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one database connection of a process: opened when first needed, opened
 * again when it was lost, and good for queries only while the schema is the one
 * this program knows. Make it after the fork; it is never shared.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/base.h"

#include <signal.h>

struct db;
struct shm;

/*
 * A handle below `mem`; nothing is connected yet. `conninfo` is libpq's. The
 * server ends a statement after the time given; 0: never. A server that does
 * not even do that is given up a little later.
 */
struct db *db_new(
    TALLOC_CTX *mem, const char *conninfo, long statement_timeout_ms);

/*
 * The public origin: what media_url() and api_url() of the schema put before
 * their addresses. Before the first use.
 */
void db_set_origin(struct db *db, const char *origin);

/*
 * Connects if need be, whatever the schema: for migrations and diagnosis.
 * After a failure the next attempts fail at once for a moment that grows from
 * 50 ms to half a second. ERR_UNAVAILABLE: no connection; logged once per
 * reason.
 */
enum err db_connect(struct db *db);

/*
 * As db_connect(), and the schema is current. The verdict is kept as long as
 * the connection; a bad one is looked at again after a second, so that a
 * migration heals what waits for it. ERR_UNAVAILABLE otherwise; the log says
 * why in one line, once per change. Every query_…() asks this by itself.
 */
enum err db_ready(struct db *db);

/*
 * What failed last on this handle, and why, in one sentence; "" when nothing
 * has. Good until the next failure.
 */
const char *db_complaint(const struct db *db);

/* true: the last connection was to a server that will never do: too old, of
 * another encoding, or behind a pooler. db_complaint() says which. */
bool db_is_unfit(const struct db *db);

/*
 * For a worker: takes part in the breaker that the workers of a host share
 * (base/shm_database.h), so that a database that hangs costs half a second and
 * not the statement timeout, and gives up a lock after so many milliseconds.
 * Before the first use.
 */
void db_share(struct db *db, struct shm *shm, long lock_timeout_ms);

/*
 * Calls fn(arg, kind, key) for each row that a transaction of this handle has
 * written to table touch, after its commit and before the function that ran the
 * statement returns; once with NULL instead when there are more than 200. Not
 * for COPY and :script statements, nor when the commit's answer was lost: table
 * touch has the rows then as well (jobs/touch.c). Before the first use.
 */
typedef void db_touched(void *arg, const char *kind, const char *key);
void db_on_touched(struct db *db, db_touched *fn, void *arg);

/* Closes the connection; the next use opens it again. */
void db_close(struct db *db);

/*
 * Name of the constraint or unique index that the last failed statement
 * violated; "" when it was none.
 */
const char *db_constraint(const struct db *db);

/* true between BEGIN and COMMIT of tx_run(). */
bool db_in_transaction(const struct db *db);

/*
 * From now on the statement that is running when a signal's handler sets *flag
 * is cancelled at the server (ERR_UNAVAILABLE). NULL: not any more.
 */
void db_interrupt(struct db *db, const volatile sig_atomic_t *flag);

/*
 * Listens for NOTIFY on `channel` (a plain name), also on later connections of
 * this handle. Not within a transaction.
 */
enum err db_listen(struct db *db, const char *channel);

/*
 * Sleeps until a notification arrives on the channel of db_listen(), a signal
 * is caught, or so many milliseconds have passed. ERR_OK in all three;
 * ERR_UNAVAILABLE when there is no connection (and then without sleeping).
 */
enum err db_wait(struct db *db, int timeout_ms);

#endif
