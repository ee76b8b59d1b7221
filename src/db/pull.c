/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows are passed on in the text format, unread. The two servers compare with
 * their catalogues what the tables are made of.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/pull.h"
#include "db/sqlstate.h"

#define NAME   "(import)"
#define CHUNK  ((size_t)64 * 1024)
#define REPORT 10000 /* rows */

struct table {
	const char *name;
	const char *columns; /* those of both */
};

struct pull {
	struct db *source;
	struct db *target;
	struct table *tables;
	int n_tables;
	struct pull_note *notes;
	int n_notes;
	int64_t estimate;
};

/* Column, category of its type, its type, and whether it has a default. */
#define COLUMNS(SCHEMA)                                                   \
	"SELECT c.relname, a.attname, t.typcategory, t.typname, "         \
	"       a.atthasdef, greatest(c.reltuples, 0)::bigint"            \
	"  FROM pg_class AS c"                                            \
	"  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0" \
	"       AND NOT a.attisdropped"                                   \
	"  JOIN pg_type AS t ON t.oid = a.atttypid"                       \
	" WHERE c.relnamespace = " SCHEMA                                 \
	"   AND c.relkind IN ('r', 'v', 'm', 'p', 'f')"                   \
	" ORDER BY c.oid, a.attnum"

enum { TABLE, COLUMN, CATEGORY, TYPE, HAS_DEFAULT, ROWS };

static const char *
at(const PGresult *res, int row, int field)
{
	return PQgetvalue(res, row, field);
}

static bool
is_table(const PGresult *res, int row, const char *table)
{
	return strcmp(at(res, row, TABLE), table) == 0;
}

/* The row of a column; -1: none. Without a column, that of its table. */
static int
find(const PGresult *res, const char *table, const char *column)
{
	for (int i = 0; i < PQntuples(res); i++)
		if (is_table(res, i, table) &&
		    (!column || strcmp(at(res, i, COLUMN), column) == 0))
			return i;
	return -1;
}

static void
add_note(struct pull *p, const PGresult *there, int row, bool is_naive)
{
	p->notes = mem_grow(p, p->notes, struct pull_note, p->n_notes + 1);
	p->notes[p->n_notes++] =
	    (struct pull_note){ mem_text(p, at(there, row, TABLE)),
		    mem_text(p, at(there, row, COLUMN)), is_naive };
}

/* Compares a column that is wanted, and adds it to the table's. */
static enum err
compare_column(struct pull *p, const PGresult *here, int row,
    const PGresult *there, const char **why)
{
	struct table *t = &p->tables[p->n_tables - 1];
	const char *column = at(here, row, COLUMN);
	int found = find(there, t->name, column);

	if (found < 0 && *at(here, row, HAS_DEFAULT) == 't')
		return ERR_OK;
	if (found < 0) {
		*why = mem_printf(p->target, "%s %s%s%s is missing",
		    find(there, t->name, NULL) < 0 ? "table" : "column",
		    t->name, find(there, t->name, NULL) < 0 ? "" : ".",
		    find(there, t->name, NULL) < 0 ? "" : column);
		return ERR_INVALID;
	}
	if (*at(there, found, CATEGORY) != *at(here, row, CATEGORY)) {
		*why = mem_printf(p->target,
		    "column %s.%s is of type %s, not "
		    "%s",
		    t->name, column, at(there, found, TYPE),
		    at(here, row, TYPE));
		return ERR_INVALID;
	}
	if (strcmp(at(there, found, TYPE), "timestamp") == 0)
		add_note(p, there, found, true);
	t->columns = mem_printf(
	    p, "%s%s\"%s\"", t->columns, *t->columns ? ", " : "", column);
	return ERR_OK;
}

static enum err
compare(struct pull *p, const PGresult *here, const PGresult *there,
    const char **why)
{
	enum err e = ERR_OK;

	for (int i = 0; !e && i < PQntuples(here); i++) {
		if (i == 0 || !is_table(here, i, at(here, i - 1, TABLE))) {
			p->tables = mem_grow(
			    p, p->tables, struct table, p->n_tables + 1);
			p->tables[p->n_tables++] =
			    (struct table){ mem_text(p, at(here, i, TABLE)),
				    "" };
		}
		e = compare_column(p, here, i, there, why);
	}
	for (int i = 0; !e && i < PQntuples(there); i++) {
		const char *table = at(there, i, TABLE);

		if (find(here, table, NULL) < 0)
			continue;
		if (i == 0 || !is_table(there, i - 1, table))
			p->estimate += strtoll(at(there, i, ROWS), NULL, 10);
		if (find(here, table, at(there, i, COLUMN)) < 0)
			add_note(p, there, i, false);
	}
	return e;
}

/* The message outlives the handle of the source. */
static enum err
fail(const struct pull *p, struct db *db, enum err e, const char **why)
{
	*why = mem_printf(p->target, "%s: %s",
	    db == p->source ? "the original's database" : "the database",
	    db_error(db));
	return e;
}

enum err
pull_begin(TALLOC_CTX *mem, struct db *source, struct db *target,
    struct pull **out, const char **why)
{
	struct pull *p = mem_new(mem, struct pull);
	PGresult *here = NULL, *there = NULL;
	enum err e = db_connect(source);

	*out = p;
	p->source = source;
	p->target = target;
	source->timeout_now = 0;
	if (!e)
		e = conn_command(source, NAME,
		    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
		    "SET LOCAL statement_timeout = 0;"
		    "SET LOCAL idle_in_transaction_session_timeout = 0;" COLUMNS(
			"'public'::regnamespace"),
		    &there);
	if (e)
		e = fail(p, source, e, why);
	else {
		source->in_tx = true;
		e = conn_command(
		    target, NAME, COLUMNS("pg_my_temp_schema()"), &here);
		if (e)
			e = fail(p, target, e, why);
	}
	if (!e)
		e = compare(p, here, there, why);
	PQclear(here);
	PQclear(there);
	return e;
}

int
pull_tables(const struct pull *p)
{
	return p->n_tables;
}

const char *
pull_table(const struct pull *p, int i)
{
	return p->tables[i].name;
}

int64_t
pull_estimate(const struct pull *p)
{
	return p->estimate;
}

const struct pull_note *
pull_notes(const struct pull *p, int *n)
{
	*n = p->n_notes;
	return p->notes;
}

static enum err
start(struct db *db, const char *sql)
{
	enum err e = conn_command(db, NAME, sql, NULL);

	db->in_copy = !e;
	return e;
}

static enum err
send_chunk(struct pull *p, struct buf *chunk)
{
	int sent = 1;

	if (!p->target->conn)
		return ERR_UNAVAILABLE;
	if (chunk->len > 0)
		sent = PQputCopyData(
		    p->target->conn, chunk->data, (int)chunk->len);
	buf_cut(chunk, 0);
	return sent == 1 ? ERR_OK : conn_check(p->target, NAME, NULL);
}

/* Until the source has no more rows. */
static enum err
pass_rows(struct pull *p, pull_progress *fn, void *arg, int64_t *rows)
{
	struct buf chunk;
	char *row;
	enum err e = ERR_OK;

	buf_init(&chunk, p, 2 * CHUNK);
	*rows = 0;
	while (!e && conn_copied(p->source, &row)) {
		buf_puts(&chunk, row);
		PQfreemem(row);
		if (chunk.len >= CHUNK)
			e = send_chunk(p, &chunk);
		if (++*rows % REPORT == 0)
			fn(arg, *rows);
	}
	if (!e)
		e = send_chunk(p, &chunk);
	talloc_free(chunk.data);
	return e;
}

/* The results of both sides. */
static enum err
end(struct pull *p, enum err e, const char **why)
{
	PGresult *res = NULL;

	if (e) {
		conn_drop(p->source);
		return fail(p, p->target, e, why);
	}
	p->source->in_copy = false;
	res = p->source->conn ? conn_wait(p->source) : NULL;
	e = conn_check(p->source, NAME, res);
	PQclear(res);
	if (e)
		e = fail(p, p->source, e, why);
	p->target->in_copy = false;
	res = NULL;
	if (p->target->conn &&
	    PQputCopyEnd(p->target->conn, e ? "reading failed" : NULL) == 1)
		res = conn_wait(p->target);
	if (!e) {
		e = conn_check(p->target, NAME, res);
		if (e)
			e = fail(p, p->target, e, why);
	}
	PQclear(res);
	return e;
}

enum err
pull_copy(struct pull *p, int i, pull_progress *fn, void *arg, int64_t *rows,
    const char **why)
{
	const struct table *t = &p->tables[i];
	enum err e;

	*rows = 0;
	if (!*t->columns)
		return ERR_OK;
	e = start(p->target, mem_printf(p,
				 "COPY pg_temp.\"%s\" (%s) FROM "
				 "STDIN",
				 t->name, t->columns));
	if (e)
		return fail(p, p->target, e, why);
	e = start(p->source, mem_printf(p,
				 "COPY (SELECT %s FROM public.\"%s\")"
				 " TO STDOUT",
				 t->columns, t->name));
	if (e) {
		e = fail(p, p->source, e, why);
		(void)PQputCopyEnd(p->target->conn, "reading failed");
		PQclear(conn_wait(p->target));
		p->target->in_copy = false;
		return e;
	}
	return end(p, pass_rows(p, fn, arg, rows), why);
}

void
pull_end(struct pull *p)
{
	p->source->in_tx = p->source->in_copy = false;
	conn_drop(p->source);
	talloc_free(p);
}
