/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executes statements.
 */
#include "base/base.h"

#include <libpq-fe.h>
#include <limits.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/pipeline.h"
#include "db/query.h"
#include "db/session.h"
#include "db/sqlstate.h"

static void
add_quoted(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

/* An array in the text format of the server. */
static const char *
array_text(TALLOC_CTX *mem, const struct arg *a)
{
	const char *const *texts = a->p;
	const int64_t *ints = a->p;
	const double *doubles = a->p;
	struct buf b;

	buf_init(&b, mem, 16 + 8 * a->n);
	buf_putc(&b, '{');
	for (size_t i = 0; i < a->n; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		if (a->kind == ARG_INT_ARRAY)
			buf_int(&b, ints[i]);
		else if (a->kind == ARG_DOUBLE_ARRAY)
			buf_printf(&b, "%.17g", doubles[i]);
		else if (texts[i])
			add_quoted(&b, texts[i]);
		else
			buf_puts(&b, "NULL");
	}
	buf_putc(&b, '}');
	return b.data;
}

static void
bind_one(TALLOC_CTX *mem, struct binding *b, int i, const struct arg *a)
{
	b->values[i] = NULL;
	b->lengths[i] = 0;
	b->formats[i] = 0;
	switch (a->kind) {
	case ARG_END:
	case ARG_NULL:
		break;
	case ARG_NUMBER:
		b->values[i] = a->digits;
		break;
	case ARG_TEXT:
		b->values[i] = a->p;
		break;
	case ARG_BYTES:
		assert(a->n <= INT_MAX);
		b->values[i] = a->p;
		b->lengths[i] = (int)a->n;
		b->formats[i] = 1;
		break;
	case ARG_TEXT_ARRAY:
	case ARG_INT_ARRAY:
	case ARG_DOUBLE_ARRAY:
		b->values[i] = array_text(mem, a);
		break;
	}
}

static void
bind_all(TALLOC_CTX *mem, struct binding *b, const struct stmt_info *info,
    const struct arg *args)
{
	int n = 0;

	for (; args[n].kind != ARG_END; n++) {
		assert(n < ARGS_MAX);
		bind_one(mem, b, n, &args[n]);
	}
	b->n = n;
	if (n != info->count)
		log_error("bug: statement %s takes %d arguments, not %d",
		    info->name, info->count, n);
	assert(n == info->count);
}

enum err
query_prepare(struct db *db, enum stmt s)
{
	const struct stmt_info *info = stmt_info(s);
	PGresult *res = NULL;
	enum err e;

	if (db->prepared[s])
		return ERR_OK;
	if (PQsendPrepare(db->conn, info->name, info->text, 0, NULL))
		res = conn_wait(db);
	e = conn_check(db, info->name, res);
	PQclear(res);
	db->prepared[s] = !e;
	return e;
}

/* The statement timeout in milliseconds; 0: none. */
static long
time_of(const struct db *db, const struct stmt_info *info)
{
	if (info->within_ms == 0 ||
	    (db->timeout_ms > 0 && db->timeout_ms < info->within_ms))
		return db->timeout_ms;
	return info->within_ms;
}

static enum err
send_alone(struct db *db, const struct stmt_info *info, const struct binding *b,
    PGresult **out)
{
	PGresult *res = NULL;
	enum err e;

	if (b->text ? PQsendQueryParams(db->conn, b->text, b->n, NULL,
			  b->values, b->lengths, b->formats, 0) :
		      PQsendQueryPrepared(db->conn, info->name, b->n, b->values,
			  b->lengths, b->formats, 0))
		res = conn_wait(db);
	e = conn_check(db, info->name, res);
	if (!e)
		*out = res;
	else
		PQclear(res);
	return e;
}

/* The statement, what it touched, and the commit. */
static enum err
send_writing(struct db *db, const struct stmt_info *info,
    const struct binding *b, PGresult **out)
{
	const struct step steps[] = {
		{ .name = info->name, .sql = b->text, .binding = b },
		pipeline_touched(),
	};
	PGresult *results[2];
	enum err e;

	e = pipeline_run(db, steps, 2, results);
	if (e)
		return e;
	pipeline_report(db, results[1]);
	PQclear(results[1]);
	*out = results[0];
	return ERR_OK;
}

/* Whether touches of the statement must be reported; in a transaction tx.c does
 * it.
 */
static bool
reports_touches(const struct db *db, const struct stmt_info *info)
{
	return db->on_touched && !info->reads && !db->in_tx;
}

/*
 * One attempt. *sent: the statement was sent, so the server may have executed
 * it.
 */
static enum err
attempt(struct db *db, enum stmt s, const struct binding *b, PGresult **out,
    bool *sent)
{
	const struct stmt_info *info = stmt_info(s);
	enum err e;

	*sent = false;
	*out = NULL;
	conn_forget_failure(db);
	if (db->in_tx && !db->conn)
		return ERR_UNAVAILABLE;
	e = db_ready(db);
	if (e)
		return e;
	if (!db->in_tx)
		e = session_set_timeouts(db, time_of(db, info));
	if (!e && !b->text)
		e = query_prepare(db, s);
	if (!e && reports_touches(db, info))
		e = query_prepare(db, SQL_touch_of_transaction);
	if (e)
		return e;
	*sent = true;
	if (reports_touches(db, info))
		return send_writing(db, info, b, out);
	return send_alone(db, info, b, out);
}

static enum err
run(struct db *db, enum stmt s, const struct arg *args, PGresult **out)
{
	const struct stmt_info *info = stmt_info(s);
	TALLOC_CTX *mem = mem_need(talloc_new(db));
	struct binding *b = mem_new(mem, struct binding);
	bool sent;
	enum err e;

	assert(!db->in_copy);
	bind_all(mem, b, info, args);
	if (db->comment)
		b->text = mem_printf(mem, "%s%s", db->comment, info->text);
	for (int tries = 1;; tries++) {
		e = attempt(db, s, b, out, &sent);
		if (!e || !conn_retry(db, tries, info->reads || !sent))
			break;
	}
	if (e == ERR_INTERNAL && db->outdated)
		log_event(LOG_LEVEL_ERROR, EVENT_STATEMENT_FAILED,
		    "database: %s", db->error);
	talloc_free(mem);
	return e;
}

/* A result that is cleared with its context. */
struct result {
	PGresult *res;
};

static int
result_destroy(struct result *r)
{
	PQclear(r->res);
	return 0;
}

static void
keep_result(TALLOC_CTX *mem, PGresult *res)
{
	struct result *r = mem_new(mem, struct result);

	r->res = res;
	talloc_set_destructor(r, result_destroy);
}

enum err
query_run_one(TALLOC_CTX *mem, struct db *db, struct row *out, enum stmt s,
    const struct arg *args)
{
	enum stmt_mode mode = stmt_info(s)->mode;
	PGresult *res;
	enum err e;

	assert(mode == STMT_ONE || mode == STMT_OWNED);
	e = run(db, s, args, &res);
	if (e)
		return e;
	if (PQntuples(res) == 0) {
		PQclear(res);
		return ERR_NOT_FOUND;
	}
	keep_result(mem, res);
	out->res = res;
	out->n = 0;
	return ERR_OK;
}

enum err
query_run_all(TALLOC_CTX *mem, struct db *db, struct rows *out, enum stmt s,
    const struct arg *args)
{
	PGresult *res;
	enum err e;

	assert(stmt_info(s)->mode == STMT_MANY);
	e = run(db, s, args, &res);
	if (e)
		return e;
	keep_result(mem, res);
	out->res = res;
	out->count = PQntuples(res);
	return ERR_OK;
}

enum err
query_run_exec(TALLOC_CTX *mem, struct db *db, long *affected, enum stmt s,
    const struct arg *args)
{
	PGresult *res;
	enum err e;

	(void)mem;
	assert(stmt_info(s)->mode == STMT_EXEC);
	e = run(db, s, args, &res);
	if (e)
		return e;
	if (affected)
		*affected = strtol(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return ERR_OK;
}

enum err
query_script(TALLOC_CTX *mem, struct db *db, enum stmt s)
{
	const struct stmt_info *info = stmt_info(s);
	enum err e;

	(void)mem;
	assert(info->mode == STMT_SCRIPT && !db->in_copy);
	if (db->in_tx && !db->conn)
		return ERR_UNAVAILABLE;
	e = db_ready(db);
	if (e)
		return e;
	return conn_command(db, info->name, info->text, NULL);
}

/* Compares the parameter types of the server with the declared ones. */
static enum err
compare_types(TALLOC_CTX *mem, struct db *db, const struct stmt_info *info,
    const char **fault)
{
	PGresult *res = NULL;
	char *inferred = mem_text(mem, "");
	const char *values[2];
	enum err e;

	if (PQsendDescribePrepared(db->conn, info->name))
		res = conn_wait(db);
	e = conn_check(db, info->name, res);
	if (!e && PQnparams(res) != info->count)
		*fault = mem_printf(mem, "%s: declares %d parameters, has %d",
		    info->name, info->count, PQnparams(res));
	for (int i = 0; !e && i < PQnparams(res); i++)
		inferred = mem_printf(mem, "%s%s%u", inferred, i ? "," : "",
		    (unsigned)PQparamtype(res, i));
	PQclear(res);
	if (e || *fault)
		return e;
	values[0] = info->types;
	values[1] = inferred;
	res = NULL;
	if (PQsendQueryParams(db->conn,
		"SELECT string_agg(format('$%s is %s, declared %s', i,"
		"           format_type(had::oid, NULL), said), '; ')"
		"  FROM unnest(string_to_array($1, ','),"
		"           string_to_array($2, ','))"
		"       WITH ORDINALITY AS t (said, had, i)"
		" WHERE had::oid IS DISTINCT FROM to_regtype(said)::oid",
		2, NULL, values, NULL, NULL, 0))
		res = conn_wait(db);
	e = conn_check(db, info->name, res);
	if (!e && !PQgetisnull(res, 0, 0))
		*fault = mem_printf(
		    mem, "%s: %s", info->name, PQgetvalue(res, 0, 0));
	PQclear(res);
	return e;
}

static bool
makes_temporary_table(const struct stmt_info *info)
{
	return strncmp(info->text, "CREATE TEMP", strlen("CREATE TEMP")) == 0;
}

enum err
query_check(TALLOC_CTX *mem, struct db *db, enum stmt s, const char **fault)
{
	const struct stmt_info *info = stmt_info(s);
	enum err e;

	*fault = NULL;
	if (!db->conn)
		return ERR_UNAVAILABLE;
	if (info->mode == STMT_SCRIPT && makes_temporary_table(info))
		return conn_command(db, info->name, info->text, NULL);
	if (info->mode == STMT_COPY || info->mode == STMT_SCRIPT)
		return ERR_OK;
	e = conn_command(db, info->name, "SAVEPOINT checking", NULL);
	if (!e)
		e = query_prepare(db, s);
	if (!e)
		e = compare_types(mem, db, info, fault);
	if (!e && makes_temporary_table(info))
		return conn_command(db, info->name, info->text, NULL);
	if (e && !db->lost) {
		*fault = mem_text(mem, db_error(db));
		e = conn_command(
		    db, info->name, "ROLLBACK TO SAVEPOINT checking", NULL);
	}
	return e;
}
