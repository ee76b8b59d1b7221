/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of a connection, for the sources of db/ only.
 */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "base/base.h"

#include <libpq-fe.h>

#include "db/db.h"
#include "db/stmt.h"

#define ARGS_MAX 32

/* Arguments as libpq takes them. */
struct binding {
	int n;
	const char *values[ARGS_MAX];
	int lengths[ARGS_MAX];
	int formats[ARGS_MAX];
};

struct db {
	PGconn *conn; /* NULL: none */
	const char *conninfo;
	bool many_hosts;    /* conninfo names several */
	const char *origin; /* of db_set_origin(); "": none */
	long timeout_ms;
	long lock_timeout_ms; /* 0: none */
	long timeout_now;     /* what the session has */
	long lock_timeout_now;
	struct shm *shm; /* of db_share(); NULL: none */
	char *channel;   /* of db_listen(); NULL: none */
	bool prepared[SQL__MAX];
	bool schema_good;
	int64_t schema_look_at; /* steady clock: not before that */
	int64_t connect_at;     /* steady clock: not before that */
	int64_t pause_us;
	bool in_tx;
	bool in_copy;
	bool retry; /* the last failure may not recur when all is run again */
	bool lost;  /* the last failure was that of the connection */
	bool unfit; /* the server is one that will never do */
	bool outdated; /* the last failure was a prepared statement's age */
	db_touched *on_touched; /* of db_on_touched(); NULL: none */
	void *touched_arg;
	const volatile sig_atomic_t *stop; /* of db_interrupt(); NULL: none */
	bool cancelled;                    /* what *stop asked for was done */
	char constraint[64];
	char *complaint;
	char *logged; /* the complaint that the log has last seen */
};

/* Whether a connection string names several hosts. */
bool conn_has_hosts(const char *conninfo);

/*
 * Makes db->conn, connected or failed; false: nobody answered in time. *heard:
 * the server took what was sent and answered, be it by a refusal.
 */
bool conn_open(struct db *db, bool *heard);

/* Does the server answer (be it by a refusal)? Takes 0.4 s at most. */
bool conn_probe(const struct db *db);

/*
 * Has the session end statements after so many milliseconds, 0: never, and
 * locks as the settings say; after a tenth of both in a worker that was stuck
 * just now, since others may wait for that very worker.
 */
enum err conn_set_timeouts(struct db *db, long ms);

/* Closes the connection and forgets what was prepared on it. */
void conn_drop(struct db *db);

/* Logs, and tells the other workers of this host, that the server is silent. */
void conn_report_away(struct db *db);

/* The same, that it has answered (an error is an answer). */
void conn_report_answer(struct db *db);

/*
 * Waits until the socket is readable: 1; the time is up: 0; a signal: -1.
 * `until` is of the steady clock; negative: no limit.
 */
int conn_wait_readable(struct db *db, int64_t until);

/*
 * A look at the socket of an idle connection: false, and dropped, when the
 * server has closed it. What is then sent on a new one was not sent before.
 */
bool conn_is_alive(struct db *db);

/*
 * Waits for the result of what was sent: the last one, or that which asks for
 * COPY data. NULL: the connection is lost, or the server is overdue and the
 * connection was dropped for it.
 */
PGresult *conn_wait(struct db *db);

/*
 * The next row of COPY data, to be given to PQfreemem(). false: there is none,
 * and conn_wait() or a lost connection says why.
 */
bool conn_copied(struct db *db, char **row);

/*
 * Asks the server to give up what is running; drops the connection when that
 * cannot be said, or not soon.
 */
void conn_cancel(struct db *db);

/* Keeps why something failed, for db_complaint(). */
void conn_complain(struct db *db, const char *fmt, ...) printf_like(2, 3);

/* First line of the connection's error message, below db. */
const char *conn_message(struct db *db);

/*
 * What a result (NULL: lost) means: ERR_OK, or the error with constraint,
 * retry, lost and outdated set in db, the message stored for db_complaint(),
 * and a log line where one is due; a lost connection is dropped. `name` is for
 * the log.
 */
enum err conn_check(struct db *db, const char *name, const PGresult *res);

/* Clears what the failure before has set; `retry` stays within a transaction.
 */
void conn_forget_failure(struct db *db);

/* Prepares a statement unless it is prepared on this connection. */
enum err query_prepare(struct db *db, enum stmt s);

/*
 * Sends plain SQL and checks the result, on the connection as it is. *out (may
 * be NULL) is the caller's to PQclear(), also after a failure, and may be NULL.
 */
enum err conn_command(
    struct db *db, const char *name, const char *sql, PGresult **out);

/* One step of a pipeline: a prepared statement, or plain SQL. */
struct step {
	const char *name;
	const char *sql;               /* NULL: `name` is prepared */
	const struct binding *binding; /* NULL: no arguments */
};

/*
 * Sends the steps and a sync, which commits what they did unless they end the
 * transaction themselves, and waits for all. On ERR_OK results[i] is that of
 * step i, to be given to pipeline_clear(). After a failure nothing of it was
 * done, or, when the connection was lost (ERR_UNAVAILABLE), perhaps all.
 */
enum err pipeline_run(
    struct db *db, const struct step *steps, int n, PGresult **results);

void pipeline_clear(PGresult **results, int n);

/* Calls db->on_touched for each row of SQL_touch_of_transaction. */
void pipeline_report(const struct db *db, const PGresult *touched);

#endif
