/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running statements. This is the only source that knows SQLSTATEs.
 */
#include "base/base.h"

#include <libpq-fe.h>
#include <limits.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm_database.h"
#include "db/conn.h"
#include "db/query.h"

#define ARGS_MAX  32
#define TRIES_MAX 3

/* What a failure is beside its error. */
enum trait {
	PLAIN,
	LOGGED,   /* a bug or an emergency: an error in the log */
	TROUBLE,  /* the server is in trouble: a warning in the log */
	WAITED,   /* the same, after a long wait */
	AGAIN,    /* goes away when the transaction is done again */
	OUTDATED, /* what was prepared does not fit any more */
	LOST      /* the connection is gone, or no good any more */
};

/* The first row whose code is a prefix of the SQLSTATE. */
static const struct sqlstate {
	const char *code;
	enum err err;
	enum trait trait;
} sqlstates[] = {
	{ "08", ERR_UNAVAILABLE, LOST },      /* connection exception */
	{ "0A000", ERR_INTERNAL, OUTDATED },  /* cached plan's result type */
	{ "22001", ERR_INVALID, PLAIN },      /* text too long */
	{ "22003", ERR_INVALID, PLAIN },      /* number out of range */
	{ "22007", ERR_INVALID, PLAIN },      /* date format */
	{ "22008", ERR_INVALID, PLAIN },      /* date out of range */
	{ "22021", ERR_INVALID, PLAIN },      /* not in the encoding */
	{ "22P02", ERR_INVALID, PLAIN },      /* not of the type */
	{ "22P05", ERR_INVALID, PLAIN },      /* untranslatable, \u0000 */
	{ "23502", ERR_INVALID, PLAIN },      /* not null */
	{ "23503", ERR_NOT_FOUND, PLAIN },    /* foreign key */
	{ "23505", ERR_CONFLICT, PLAIN },     /* unique */
	{ "23514", ERR_INVALID, PLAIN },      /* check */
	{ "23P01", ERR_CONFLICT, PLAIN },     /* exclusion */
	{ "25006", ERR_UNAVAILABLE, LOST },   /* read-only: was demoted */
	{ "25P03", ERR_UNAVAILABLE, LOST },   /* idle in transaction */
	{ "26000", ERR_INTERNAL, OUTDATED },  /* not prepared after all */
	{ "40001", ERR_UNAVAILABLE, AGAIN },  /* serialization */
	{ "40P01", ERR_UNAVAILABLE, AGAIN },  /* deadlock */
	{ "42P05", ERR_INTERNAL, OUTDATED },  /* already prepared */
	{ "53", ERR_UNAVAILABLE, TROUBLE },   /* out of something */
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

/* The server's own sentence, and where in the text it points at. */
static void
keep_complaint(struct db *db, const char *name, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	conn_complain(db, "%s: %s (SQLSTATE %s)", name,
	    text ? text : "no message", code ? code : "none");
}

static enum err
judge_lost(struct db *db, const char *name)
{
	conn_complain(db, "%s: %s", name,
	    db->conn ? conn_message(db) : "the connection was lost");
	log_warn("database: %s", db->complaint);
	db->lost = true;
	conn_drop(db);
	return ERR_UNAVAILABLE;
}

/* Within a transaction `again` stays: it concerns all of it. */
static void
forget_failure(struct db *db)
{
	db->lost = db->outdated = false;
	if (!db->in_tx)
		db->again = false;
}

enum err
conn_judge(struct db *db, const char *name, const PGresult *res)
{
	const struct sqlstate *row;
	const char *code, *constraint;

	forget_failure(db);
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
		return judge_lost(db, name);
	row = sqlstate_row(code);
	keep_complaint(db, name, res);
	constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
	snprintf(db->constraint, sizeof db->constraint, "%s",
	    constraint ? constraint : "");
	db->again = db->again || row->trait == AGAIN;
	db->outdated = row->trait == OUTDATED;
	db->lost = row->trait == LOST;
	if (db->shm && (row->trait == WAITED))
		shm_db_stuck(db->shm);
	if (row->trait == LOGGED)
		log_error("database: %s", db->complaint);
	else if (row->trait == TROUBLE || row->trait == WAITED ||
		 row->trait == LOST)
		log_warn("database: %s", db->complaint);
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
	e = conn_judge(db, name, res);
	if (out)
		*out = res;
	else
		PQclear(res);
	return e;
}

/* Arguments as libpq wants them. */
struct binding {
	const char *values[ARGS_MAX];
	int lengths[ARGS_MAX];
	int formats[ARGS_MAX];
};

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

/* An array in the server's notation. */
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
	if (n != info->count)
		log_error("bug: statement %s takes %d arguments, not %d",
		    info->name, info->count, n);
	assert(n == info->count);
}

static enum err
prepare(struct db *db, enum stmt s, const struct stmt_info *info)
{
	PGresult *res = NULL;
	enum err e;

	if (db->prepared[s])
		return ERR_OK;
	if (PQsendPrepare(db->conn, info->name, info->text, 0, NULL))
		res = conn_wait(db);
	e = conn_judge(db, info->name, res);
	PQclear(res);
	db->prepared[s] = !e;
	return e;
}

/* After how many milliseconds the server shall end the statement; 0: never. */
static long
time_of(const struct db *db, const struct stmt_info *info)
{
	if (info->within_ms == 0 ||
	    (db->timeout_ms > 0 && db->timeout_ms < info->within_ms))
		return db->timeout_ms;
	return info->within_ms;
}

/*
 * One attempt. *sent tells whether the statement itself went out, so that the
 * server may have done it.
 */
static enum err
attempt(struct db *db, enum stmt s, const struct binding *b, PGresult **out,
    bool *sent)
{
	const struct stmt_info *info = stmt_info(s);
	PGresult *res = NULL;
	enum err e;

	*sent = false;
	forget_failure(db);
	if (db->in_tx && !db->conn)
		return ERR_UNAVAILABLE;
	if (!db->in_tx && db->conn)
		(void)conn_is_alive(db);
	e = db_ready(db);
	if (e)
		return e;
	if (!db->in_tx)
		e = conn_set_timeouts(db, time_of(db, info));
	if (!e)
		e = prepare(db, s, info);
	if (e)
		return e;
	*sent = true;
	if (PQsendQueryPrepared(db->conn, info->name, info->count, b->values,
		b->lengths, b->formats, 0))
		res = conn_wait(db);
	e = conn_judge(db, info->name, res);
	if (e) {
		PQclear(res);
		res = NULL;
	}
	*out = res;
	return e;
}

/* May what just failed be done again, and will that help? */
static bool
is_worth_another(const struct db *db, const struct stmt_info *info, bool sent)
{
	if (db->in_tx)
		return false;
	if (db->again || db->outdated)
		return true;
	return db->lost && (info->reads || !sent);
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
	for (int tries = 1;; tries++) {
		e = attempt(db, s, b, out, &sent);
		if (!e || !is_worth_another(db, info, sent))
			break;
		/* A dead connection once, a deadlock some times more. */
		if (tries >= (db->again ? TRIES_MAX : 2))
			break;
		if (db->outdated)
			conn_drop(db);
	}
	if (e == ERR_INTERNAL && db->outdated)
		log_error("database: %s", db->complaint);
	talloc_free(mem);
	return e;
}

/* A result that is cleared with the memory it hangs on. */
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
	if (!db->in_tx && db->conn)
		(void)conn_is_alive(db);
	e = db_ready(db);
	if (e)
		return e;
	return conn_command(db, info->name, info->text, NULL);
}

/* The types the server gave to the parameters, and those declared. */
static enum err
compare_types(TALLOC_CTX *mem, struct db *db, const struct stmt_info *info,
    const char **complaint)
{
	PGresult *res = NULL;
	char *inferred = mem_text(mem, "");
	const char *values[2];
	enum err e;

	if (PQsendDescribePrepared(db->conn, info->name))
		res = conn_wait(db);
	e = conn_judge(db, info->name, res);
	if (!e && PQnparams(res) != info->count)
		*complaint =
		    mem_printf(mem, "%s: declares %d parameters, has %d",
			info->name, info->count, PQnparams(res));
	for (int i = 0; !e && i < PQnparams(res); i++)
		inferred = mem_printf(mem, "%s%s%u", inferred, i ? "," : "",
		    (unsigned)PQparamtype(res, i));
	PQclear(res);
	if (e || *complaint)
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
	e = conn_judge(db, info->name, res);
	if (!e && !PQgetisnull(res, 0, 0))
		*complaint = mem_printf(
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
query_check(TALLOC_CTX *mem, struct db *db, enum stmt s, const char **complaint)
{
	const struct stmt_info *info = stmt_info(s);
	enum err e;

	*complaint = NULL;
	if (!db->conn)
		return ERR_UNAVAILABLE;
	if (info->mode == STMT_COPY || info->mode == STMT_SCRIPT)
		return ERR_OK;
	e = conn_command(db, info->name, "SAVEPOINT checking", NULL);
	if (!e)
		e = prepare(db, s, info);
	if (!e)
		e = compare_types(mem, db, info, complaint);
	if (!e && makes_temporary_table(info))
		return conn_command(db, info->name, info->text, NULL);
	if (e && !db->lost) {
		*complaint = mem_text(mem, db_complaint(db));
		e = conn_command(
		    db, info->name, "ROLLBACK TO SAVEPOINT checking", NULL);
	}
	return e;
}
