/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the script that pg_restore makes of a dump. It consists of SQL, of which
 * the server separates the statements, and of data after lines "COPY … FROM
 * stdin;" up to a line "\.". What a hostile dump hides between them is run as
 * SQL by the owner of the tables, as all of a dump is; no program is run.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/load.h"
#include "db/migrate.h"
#include "db/session.h"
#include "db/sqlstate.h"
#include "db/stmt.h"

#define NAME     "(restore)"
#define TRIES    20
#define CHUNK    ((size_t)64 * 1024)
#define TEXT_MAX ((size_t)64 * 1024 * 1024)

struct load {
	struct db *db;
	struct buf line; /* not yet complete */
	struct buf text; /* SQL, or data of COPY */
	bool copying;
	bool is_inside; /* `line` is not the beginning of its line */
};

static enum err
run_script(struct db *db, enum stmt s)
{
	return conn_command(db, stmt_info(s)->name, stmt_info(s)->text, NULL);
}

/* No timeouts but for locks, since the restore may wait for its input. */
static enum err
begin(struct db *db)
{
	PGresult *res;
	bool got;
	enum err e;

	db->timeout_now = 0;
	e = conn_command(db, NAME,
	    "BEGIN;"
	    "SET LOCAL statement_timeout = 0;"
	    "SET LOCAL idle_in_transaction_session_timeout = 0;"
	    "SET LOCAL lock_timeout = '3s';"
	    "SELECT pg_try_advisory_xact_lock(" MIGRATE_LOCK ")",
	    &res);
	got = !e && PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	if (e || got)
		return e;
	conn_set_error(db, "a migration or another restore is running");
	return ERR_CONFLICT;
}

enum err
load_begin(TALLOC_CTX *mem, struct db *db, struct load **out)
{
	struct load *l = mem_new(mem, struct load);
	enum err e;

	for (int i = 0;; i++) {
		e = begin(db);
		if (!e)
			e = run_script(db, SQL_load_drop);
		if (e != ERR_UNAVAILABLE || !db->conn)
			break;
		if (i == TRIES) {
			conn_set_error(db,
			    "the tables stay locked by others, for example a "
			    "backup, an import or a training");
			e = ERR_CONFLICT;
			break;
		}
		e = conn_command(db, NAME, "ROLLBACK", NULL);
		if (e)
			break;
	}
	db->in_tx = true;
	l->db = db;
	buf_init(&l->line, l, CHUNK);
	buf_init(&l->text, l, CHUNK);
	*out = l;
	return e;
}

/* The SQL so far; it may end with a COPY that asks for data. */
static enum err
run_text(struct load *l)
{
	PGresult *res = NULL;
	enum err e;

	if (l->text.len == 0)
		return ERR_OK;
	e = conn_command(l->db, NAME, l->text.data, &res);
	l->copying = !e && PQresultStatus(res) == PGRES_COPY_IN;
	if (e && res)
		conn_set_error(l->db, "%s",
		    PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
	PQclear(res);
	buf_cut(&l->text, 0);
	return e;
}

static enum err
send_data(struct load *l)
{
	int sent = 1;

	if (l->text.len > 0)
		sent =
		    PQputCopyData(l->db->conn, l->text.data, (int)l->text.len);
	buf_cut(&l->text, 0);
	return sent == 1 ? ERR_OK : conn_check(l->db, NAME, NULL);
}

static enum err
end_data(struct load *l)
{
	PGresult *res = NULL;
	enum err e = send_data(l);

	if (e)
		return e;
	l->copying = false;
	if (PQputCopyEnd(l->db->conn, NULL) == 1)
		res = conn_wait(l->db);
	e = conn_check(l->db, NAME, res);
	PQclear(res);
	return e;
}

static bool
is_copy(const char *line)
{
	static const char end[] = " FROM stdin;\n";
	size_t n = strlen(line);

	return strncmp(line, "COPY ", 5) == 0 && n > strlen(end) &&
	       strcmp(line + n - strlen(end), end) == 0;
}

/*
 * Commands of psql; the schema that every database has; and a setting that
 * pg_restore 17 writes and older servers do not have.
 */
static bool
is_ignored(const char *line)
{
	return *line == '\\' || strcmp(line, "CREATE SCHEMA public;\n") == 0 ||
	       strcmp(line, "SET transaction_timeout = 0;\n") == 0;
}

/* A line with its line feed, or a part of a long one. */
static enum err
take_line(struct load *l, const char *line, size_t n)
{
	bool is_start = !l->is_inside;

	l->is_inside = line[n - 1] != '\n';
	if (l->copying && is_start && strcmp(line, "\\.\n") == 0)
		return end_data(l);
	if (!l->copying && is_start && is_ignored(line))
		return ERR_OK;
	buf_add(&l->text, line, n);
	if (l->copying)
		return l->text.len >= CHUNK ? send_data(l) : ERR_OK;
	if (l->text.len > TEXT_MAX || memchr(line, '\0', n)) {
		conn_set_error(l->db, "the dump has no sensible SQL");
		return ERR_INVALID;
	}
	return is_start && is_copy(line) ? run_text(l) : ERR_OK;
}

enum err
load_add(struct load *l, const char *p, size_t n)
{
	enum err e = ERR_OK;

	while (!e && n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t part = end ? (size_t)(end - p) + 1 : n;

		buf_add(&l->line, p, part);
		p += part;
		n -= part;
		if (!end && l->line.len < CHUNK)
			break;
		if (!l->db->conn)
			return ERR_UNAVAILABLE;
		e = take_line(l, l->line.data, l->line.len);
		buf_cut(&l->line, 0);
	}
	return e;
}

/* The script has changed settings of the session. */
enum err
load_end(struct load *l)
{
	enum err e;

	if (l->copying || l->line.len > 0) {
		conn_set_error(l->db, "the dump is incomplete");
		return ERR_INVALID;
	}
	e = run_text(l);
	if (!e)
		e = conn_command(l->db, NAME, "RESET ALL", NULL);
	if (!e)
		e = session_settle(l->db);
	if (!e)
		e = conn_command(l->db, NAME,
		    "SET LOCAL idle_in_transaction_session_timeout = 0", NULL);
	return e;
}

enum err
load_end_sessions(struct db *db)
{
	return conn_command(db, NAME, "DELETE FROM public.session", NULL);
}

enum err
load_finish(struct db *db, uint64_t *incarnation, bool *has_model)
{
	PGresult *res;
	enum err e = run_script(db, SQL_load_analyze);

	if (e)
		return e;
	e = conn_command(db, NAME, stmt_info(SQL_incarnation)->text, &res);
	if (!e)
		*incarnation =
		    (uint64_t)strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	if (e)
		return e;
	e = conn_command(db, NAME,
	    "SELECT 1 FROM public.model WHERE published_at IS NOT NULL", &res);
	*has_model = !e && PQntuples(res) > 0;
	PQclear(res);
	return e;
}

enum err
load_commit(struct db *db)
{
	PGresult *res;
	enum err e = conn_command(db, NAME, "NOTIFY touch; NOTIFY model", NULL);

	if (e)
		return e;
	e = conn_command(db, NAME, "COMMIT", &res);
	if (!e && strcmp(PQcmdStatus(res), "COMMIT") != 0)
		e = ERR_INTERNAL;
	PQclear(res);
	db->in_tx = false;
	return e;
}

void
load_abort(struct db *db)
{
	db->in_tx = false;
	conn_drop(db);
}
