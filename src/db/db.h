/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database connection of a process: opened on first use, reopened after a
 * loss, and usable for queries only if the schema is that of this program.
 * Create it after the fork; it must not be shared.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/base.h"

#include <signal.h>

struct db;
struct shm;

/*
 * A handle below `mem`, not connected. `conninfo` is that of libpq. The server
 * cancels a statement after the timeout; 0: none. If the server does not, the
 * connection is closed a little later.
 */
struct db *db_new(
    TALLOC_CTX *mem, const char *conninfo, long statement_timeout_ms);

/*
 * Sets the public origin for media_url() and api_url() of the schema. To be
 * called before the first use.
 */
void db_set_origin(struct db *db, const char *origin);

/*
 * Connects if necessary, with any schema: for migrations and diagnosis. After
 * an error further attempts fail at once for 50 ms up to half a second.
 * ERR_UNAVAILABLE: no connection; logged once per reason.
 */
enum err db_connect(struct db *db);

/*
 * As db_connect(), also if the server has closed an idle connection, and checks
 * that the schema is current. A positive result is
 * valid for the connection; a negative one is checked again after a second, so
 * that the program recovers after a migration. ERR_UNAVAILABLE otherwise,
 * logged once per reason. Called by every query_…().
 */
enum err db_ready(struct db *db);

/*
 * The last error message of this handle; "": none. Valid until the next error.
 */
const char *db_error(const struct db *db);

/* true: the last server is unsuitable: too old, another encoding, or behind a
 * pooler that shares sessions; see db_error(). */
bool db_is_unfit(const struct db *db);

/* true: the last statement that the server refused needed space on its disk. */
bool db_disk_is_full(const struct db *db);

/*
 * For workers: uses the circuit breaker shared by the workers of a host
 * (base/shm_database.h), so that a hanging database costs half a second instead
 * of the statement timeout, and sets the lock timeout in milliseconds. To be
 * called before the first use.
 */
void db_share(struct db *db, struct shm *shm, long lock_timeout_ms);

/* The statement timeout from now on, in milliseconds; 0: none. */
void db_set_timeout(struct db *db, long ms);

/*
 * The handle is for a standby server, which reads only: a primary server is
 * refused, as a standby is by other handles. A server that hangs is given up
 * after 0.7 s. To be called before the first use.
 */
void db_want_standby(struct db *db);

/* A row of table touch: what a change makes stale. */
struct db_touch {
	const char *kind;
	const char *key;
};

/* Rows of one transaction that are reported; together at most about 3 MB. */
#define DB_TOUCHED_MAX 10000

/*
 * The following statements are not prepared but begin with `comment`, an SQL
 * comment without user input, not copied; NULL: as before. COPY and
 * transactions' own commands have none.
 */
void db_trace(struct db *db, const char *comment);

/*
 * Calls fn(arg, rows, n) with the rows that a transaction of this handle has
 * written to table touch, if any, after its commit and before the function that
 * ran the statement returns; with NULL and 0 if there are more than
 * DB_TOUCHED_MAX. Not for COPY and :script statements, nor if the answer to the
 * commit was lost: the rows are in table touch then as well (jobs/touch.c). To
 * be called before the first use.
 */
typedef void db_touched(void *arg, const struct db_touch *rows, size_t n);
void db_on_touched(struct db *db, db_touched *fn, void *arg);

/* Number of connections that this handle has opened so far. */
unsigned db_connections(const struct db *db);

/* Closes the connection; the next use opens it again. */
void db_close(struct db *db);

/*
 * Name of the constraint or unique index that the last failed statement
 * violated; "": none.
 */
const char *db_constraint(const struct db *db);

/* true between BEGIN and COMMIT of tx_run(). */
bool db_in_transaction(const struct db *db);

/*
 * Cancels the running statement (ERR_UNAVAILABLE) when a signal handler sets
 * *flag. NULL: disables this.
 */
void db_interrupt(struct db *db, const volatile sig_atomic_t *flag);

/*
 * Listens for NOTIFY on `channel` (a plain name), also on later connections of
 * this handle. Not within a transaction.
 */
enum err db_listen(struct db *db, const char *channel);

/* Ends db_listen(). */
void db_unlisten(struct db *db);

/*
 * Sleeps until a notification arrives on the channel of db_listen(), a signal
 * is caught, or the timeout in milliseconds has passed: ERR_OK.
 * ERR_UNAVAILABLE, without sleeping: no connection.
 */
enum err db_wait(struct db *db, int timeout_ms);

#endif
