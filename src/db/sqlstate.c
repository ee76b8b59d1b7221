/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of results. Only this source interprets SQLSTATEs.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/log.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/sqlstate.h"

/* The kinds of errors. */
enum trait {
	PLAIN,
	LOGGED,   /* a bug or an emergency: logged as an error */
	TROUBLE,  /* the server is in trouble: logged as a warning */
	WAITED,   /* the same, after a long wait */
	RETRY,    /* a retry of the transaction may succeed */
	OUTDATED, /* the prepared statement no longer fits */
	LOST      /* the connection is closed or unusable */
};

/* The event of a kind; SHM_EVENT__MAX: none. */
static const enum shm_event counted[] = {
	[PLAIN] = SHM_EVENT__MAX,
	[LOGGED] = SHM_DB_ERRORS,
	[TROUBLE] = SHM_DB_ERRORS,
	[WAITED] = SHM_DB_TIMEOUTS,
	[RETRY] = SHM_EVENT__MAX,
	[OUTDATED] = SHM_EVENT__MAX,
	[LOST] = SHM_DB_LOST,
};

/*
 * The first row whose code is a prefix of the SQLSTATE applies. 22003 and 22P02
 * (number out of range, invalid syntax) are not here: values are checked before
 * they reach a statement, so these are bugs.
 */
static const struct sqlstate {
	const char *code;
	enum err err;
	enum trait trait;
} sqlstates[] = {
	{ "08", ERR_UNAVAILABLE, LOST },      /* connection exception */
	{ "0A000", ERR_INTERNAL, OUTDATED },  /* cached plan's result type */
	{ "22001", ERR_INVALID, PLAIN },      /* text too long */
	{ "22007", ERR_INVALID, PLAIN },      /* date format */
	{ "22008", ERR_INVALID, PLAIN },      /* date out of range */
	{ "22021", ERR_INVALID, PLAIN },      /* not in the encoding */
	{ "22P05", ERR_INVALID, PLAIN },      /* untranslatable, \u0000 */
	{ "23502", ERR_INVALID, PLAIN },      /* not null */
	{ "23503", ERR_NOT_FOUND, PLAIN },    /* foreign key */
	{ "23505", ERR_CONFLICT, PLAIN },     /* unique */
	{ "23514", ERR_INVALID, PLAIN },      /* check */
	{ "23P01", ERR_CONFLICT, PLAIN },     /* exclusion */
	{ "25006", ERR_UNAVAILABLE, LOST },   /* read-only: was demoted */
	{ "25P03", ERR_UNAVAILABLE, LOST },   /* idle in transaction */
	{ "26000", ERR_INTERNAL, OUTDATED },  /* not prepared after all */
	{ "40001", ERR_UNAVAILABLE, RETRY },  /* serialization */
	{ "40P01", ERR_UNAVAILABLE, RETRY },  /* deadlock */
	{ "42P05", ERR_INTERNAL, OUTDATED },  /* already prepared */
	{ "53", ERR_UNAVAILABLE, TROUBLE },   /* insufficient resources */
	{ "55P03", ERR_UNAVAILABLE, WAITED }, /* lock timeout */
	{ "57014", ERR_UNAVAILABLE, WAITED }, /* statement timeout */
	{ "57P", ERR_UNAVAILABLE, LOST },     /* shutting down, starting up */
	{ "58030", ERR_UNAVAILABLE, LOGGED }, /* input/output error */
	{ "", ERR_INTERNAL, LOGGED },
};

static const struct sqlstate *
sqlstate_row(const char *code)
{
	const struct sqlstate *row = sqlstates;

	while (strncmp(code, row->code, strlen(row->code)) != 0)
		row++;
	return row;
}

/* The message of the server, with its position in the text. */
static void
set_statement_error(struct db *db, const char *name, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	db->disk_full = code && strcmp(code, "53100") == 0;
	conn_set_error(db, "%s: %s (SQLSTATE %s)", name,
	    text ? text : "no message", code ? code : "none");
}

static enum err
report_lost(struct db *db, const char *name)
{
	conn_set_error(db, "%s: %s", name,
	    db->conn ? conn_message(db) : "the connection was lost");
	log_event(
	    LOG_LEVEL_WARNING, EVENT_DATABASE_LOST, "database: %s", db->error);
	db->lost = true;
	conn_count(db, SHM_DB_LOST);
	conn_drop(db);
	return ERR_UNAVAILABLE;
}

/* In a transaction `retry` stays set, because it concerns the whole
 * transaction. */
void
conn_forget_failure(struct db *db)
{
	db->lost = db->outdated = false;
	if (!db->in_tx)
		db->retry = false;
}

enum err
conn_check(struct db *db, const char *name, const PGresult *res)
{
	const struct sqlstate *row;
	const char *code, *constraint;

	conn_forget_failure(db);
	db->constraint[0] = '\0';
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_EMPTY_QUERY:
		return ERR_OK;
	default:
		break;
	}
	code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	if (!code)
		return report_lost(db, name);
	row = sqlstate_row(code);
	set_statement_error(db, name, res);
	constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
	snprintf(db->constraint, sizeof db->constraint, "%s",
	    constraint ? constraint : "");
	db->retry = db->retry || row->trait == RETRY;
	db->outdated = row->trait == OUTDATED;
	db->lost = row->trait == LOST;
	if (db->shm && (row->trait == WAITED))
		shm_db_stuck(db->shm);
	if (counted[row->trait] < SHM_EVENT__MAX)
		conn_count(db, counted[row->trait]);
	if (row->trait == LOGGED)
		log_event(LOG_LEVEL_ERROR, EVENT_STATEMENT_FAILED,
		    "database: %s", db->error);
	else if (row->trait == TROUBLE || row->trait == WAITED ||
		 row->trait == LOST)
		log_event(LOG_LEVEL_WARNING,
		    row->trait == LOST ? EVENT_DATABASE_LOST : EVENT_NONE,
		    "database: %s", db->error);
	if (db->lost)
		conn_drop(db);
	return row->err;
}

enum err
conn_command(struct db *db, const char *name, const char *sql, PGresult **out)
{
	PGresult *res = NULL;
	enum err e;

	if (!db->conn)
		return ERR_UNAVAILABLE;
	if (PQsendQuery(db->conn, sql))
		res = conn_wait(db);
	e = conn_check(db, name, res);
	if (out)
		*out = res;
	else
		PQclear(res);
	return e;
}
