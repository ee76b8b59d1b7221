/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Internals of a connection, only for the sources of db/.
 */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "base/base.h"

#include <libpq-fe.h>

#include "base/log.h"
#include "base/shm.h"
#include "db/arg.h"
#include "db/db.h"
#include "db/stmt.h"

/* Arguments for libpq. */
struct binding {
	int n;
	const char *values[ARGS_MAX];
	int lengths[ARGS_MAX];
	int formats[ARGS_MAX];
	const char *text; /* the statement with a comment; NULL: prepared */
};

struct db {
	PGconn *conn; /* NULL: none */
	const char *conninfo;
	unsigned opened;    /* number of connections so far */
	bool many_hosts;    /* conninfo has several hosts */
	const char *origin; /* of db_set_origin(); "": none */
	long timeout_ms;
	long lock_timeout_ms; /* 0: none */
	long timeout_now;     /* current value of the session */
	long lock_timeout_now;
	struct shm *shm;     /* of db_share(); NULL: none */
	const char *comment; /* of db_trace(); NULL: none */
	char *channel;       /* of db_listen(); NULL: none */
	bool prepared[SQL__MAX];
	bool schema_good;
	int64_t schema_look_at; /* steady clock: earliest time */
	int64_t connect_at;     /* steady clock: earliest time */
	int64_t pause_us;
	bool in_tx;
	bool in_copy;
	bool retry;       /* the last error may not recur on retry */
	bool lost;        /* the last error was of the connection */
	bool unfit;       /* the server is unsuitable */
	bool disk_full;   /* the last error of a statement was that */
	bool standby;     /* of db_want_standby() */
	bool own_session; /* the pooler does not share sessions */
	bool outdated; /* the last error was an outdated prepared statement */
	db_touched *on_touched; /* of db_on_touched(); NULL: none */
	void *touched_arg;
	const volatile sig_atomic_t *stop; /* of db_interrupt(); NULL: none */
	bool cancelled; /* the statement was cancelled for *stop */
	char constraint[64];
	char *error;
	char *logged; /* the error that was logged last */
};

/* Whether a connection string has several hosts. */
bool conn_has_hosts(const char *conninfo);

/*
 * Opens db->conn, connected or failed; false: timeout. *answered: the server
 * has answered, possibly with an error.
 */
bool conn_open(struct db *db, bool *answered);

/* Whether the server answers, possibly with an error. Limited to 0.4 s. */
bool conn_probe(const struct db *db);

/*
 * Whether the connection goes through a pooler that shares its session with
 * other clients. *pooler: it goes through one at all. Takes 2 s if the pooler
 * has no server connection left for a second client.
 */
bool pooler_shares_sessions(struct db *db, bool *pooler);

/* Counts an event of this host's database, if the handle is shared. */
void conn_count(struct db *db, enum shm_event event);

/* Closes the connection and clears the list of prepared statements. */
void conn_drop(struct db *db);

/* Logs and shares with the other workers that the server does not answer. */
void conn_report_away(struct db *db);

/* The same, that it has answered (errors count). */
void conn_report_answer(struct db *db);

/*
 * Waits until the socket is readable: 1; timeout: 0; a signal: -1. `until` is
 * of the steady clock; negative: no limit.
 */
int conn_wait_readable(struct db *db, int64_t until);

/*
 * Checks an idle connection: false, and closed, if the server has closed it.
 * Then nothing had been sent, so a new connection can be used.
 */
bool conn_is_alive(struct db *db);

/*
 * Waits for the result: the last one, or that which starts COPY. NULL: the
 * connection is lost, or was closed after a timeout.
 */
PGresult *conn_wait(struct db *db);

/*
 * The next row of COPY data, to be freed by PQfreemem(). false: none;
 * conn_wait() or a lost connection has the reason.
 */
bool conn_copied(struct db *db, char **row);

/*
 * Cancels the running statement; closes the connection if that fails or takes
 * too long.
 */
void conn_cancel(struct db *db);

/* Sets the error message of db_error(). */
void conn_set_error(struct db *db, const char *fmt, ...) printf_like(2, 3);

/* Logs the error message of db_error() unless it was logged last. */
void conn_log_error(struct db *db, enum log_event event);

/* First line of the error message of the connection, below db. */
const char *conn_message(struct db *db);

/*
 * After an error: whether the statement or transaction is to be run again, as
 * the attempt `tries` + 1; waits up to 10 ms before. Never within a
 * transaction. is_repeatable: it may run twice if the connection was lost.
 */
bool conn_retry(struct db *db, int tries, bool is_repeatable);

/* Prepares a statement unless it is prepared on this connection. */
enum err query_prepare(struct db *db, enum stmt s);

#endif
