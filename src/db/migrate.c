/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Migrations: the compiled-in and the applied ones, and applying the
 * difference.
 */
#include "base/base.h"

#include <libpq-fe.h>
#include <sodium.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/grant.h"
#include "db/migrate.h"
#include "db/sqlstate.h"

#define NAME "(migration)"

/* How long, and how often, a migration waits for locks of others. */
#define LOCK_WAIT_MS  "200"
#define LOCK_TRIES    30
#define LOCK_PAUSE_MS 100

/* SQLSTATEs */
#define LOCK_TIMEOUT "55P03"
#define DEADLOCK     "40P01"
#define LOCK         MIGRATE_LOCK

#pragma GCC diagnostic ignored "-Woverlength-strings"

static const struct carried {
	int number;
	const char *name;
	const char *text;
} carried[] = {
#define MIGRATION(NUMBER, LABEL, TEXT) { NUMBER, LABEL, TEXT },
#include "migrations.def"
#undef MIGRATION
};

static const int carried_count = (int)array_len(carried);

static char *
checksum_of(TALLOC_CTX *mem, const char *text)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char *hex = mem_need(talloc_size(mem, 2 * sizeof digest + 1));

	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	return sodium_bin2hex(
	    hex, 2 * sizeof digest + 1, digest, sizeof digest);
}

/*
 * The rows of table migration, by number; the caller must PQclear() *out. NULL:
 * there is no such table yet.
 */
static enum err
read_applied(struct db *db, PGresult **out)
{
	PGresult *res;
	bool there;
	enum err e;

	*out = NULL;
	e = conn_command(db, NAME,
	    "SELECT to_regclass('public.migration') IS NOT NULL", &res);
	there = !e && PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	if (e || !there)
		return e;
	e = conn_command(db, NAME,
	    "SELECT number, checksum,"
	    "       to_char(applied_at, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
	    "  FROM public.migration"
	    " ORDER BY number",
	    &res);
	if (e) {
		PQclear(res);
		return e;
	}
	*out = res;
	return ERR_OK;
}

static long
applied_number(const PGresult *res, int i)
{
	return strtol(PQgetvalue(res, i, 0), NULL, 10);
}

/* The compiled-in migrations with their state in `res` (may be NULL). */
static struct migration *
compare(TALLOC_CTX *mem, const PGresult *res)
{
	struct migration *all = mem_array(mem, struct migration, carried_count);
	int rows = res ? PQntuples(res) : 0;

	for (int i = 0; i < carried_count; i++) {
		struct migration *m = &all[i];

		m->number = carried[i].number;
		m->name = carried[i].name;
		m->text = carried[i].text;
		m->checksum = checksum_of(mem, m->text);
		for (int j = 0; j < rows; j++) {
			if (applied_number(res, j) != m->number)
				continue;
			m->applied_at = mem_text(mem, PQgetvalue(res, j, 2));
			m->changed =
			    strcmp(PQgetvalue(res, j, 1), m->checksum) != 0;
		}
	}
	return all;
}

/* A migration that was applied with another text, or after a later one. */
static const struct migration *
odd_one(const struct migration *all)
{
	bool missing = false;

	for (int i = 0; i < carried_count; i++) {
		if (all[i].changed || (all[i].applied_at && missing))
			return &all[i];
		missing = missing || !all[i].applied_at;
	}
	return NULL;
}

static void
compare_schema(TALLOC_CTX *mem, const struct migration *all, struct schema *s)
{
	const struct migration *odd = odd_one(all);

	if (odd) {
		s->verdict = SCHEMA_CHANGED;
		s->sentence = mem_printf(mem,
		    "migration %d (%s) in the database differs from that of "
		    "this program: see mxmctl migrate --status, then "
		    "install the version that created the database or restore "
		    "a backup",
		    odd->number, odd->name);
	} else if (s->applied > s->carried) {
		s->verdict = SCHEMA_AHEAD;
		s->sentence = mem_printf(mem,
		    "the database is at migration %d and this program only has "
		    "%d: install the newer version, see mxmctl migrate "
		    "--status",
		    s->applied, s->carried);
	} else if (s->applied == 0) {
		s->verdict = SCHEMA_BEHIND;
		s->sentence = "the database is empty: run mxmctl migrate";
	} else if (s->applied < s->carried) {
		s->verdict = SCHEMA_BEHIND;
		s->sentence = mem_printf(mem,
		    "the database is at migration %d and this program needs "
		    "%d: run mxmctl migrate",
		    s->applied, s->carried);
	} else {
		s->verdict = SCHEMA_CURRENT;
		s->sentence = mem_printf(
		    mem, "the schema is current (migration %d)", s->applied);
	}
}

static enum err
look(TALLOC_CTX *mem, struct db *db, struct migration **all, struct schema *s)
{
	PGresult *res = NULL;
	enum err e;

	e = db_connect(db);
	if (!e)
		e = read_applied(db, &res);
	if (e)
		return e;
	*all = compare(mem, res);
	if (s) {
		int rows = res ? PQntuples(res) : 0;

		s->carried = carried[carried_count - 1].number;
		s->applied = rows > 0 ? (int)applied_number(res, rows - 1) : 0;
		compare_schema(mem, *all, s);
	}
	PQclear(res);
	return ERR_OK;
}

enum err
migrate_state(TALLOC_CTX *mem, struct db *db, struct schema *out)
{
	struct migration *all;

	return look(mem, db, &all, out);
}

enum err
migrate_list(
    TALLOC_CTX *mem, struct db *db, const struct migration **out, int *count)
{
	struct migration *all;
	enum err e;

	e = look(mem, db, &all, NULL);
	if (e)
		return e;
	*out = all;
	*count = carried_count;
	return ERR_OK;
}

/* Line of an error in a migration; 0: unknown. */
static int
line_of(const PGresult *res, const char *text)
{
	const char *field = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
	long left;
	int line = 1;

	if (!field)
		return 0;
	left = strtol(field, NULL, 10);
	for (const char *p = text; *p && left > 1; p++) {
		if (*p == '\n')
			line++;
		/* The position counts characters, not bytes. */
		if (((unsigned char)p[1] & 0xc0) != 0x80)
			left--;
	}
	return line;
}

static enum err
record(struct db *db, const struct migration *m)
{
	char *sql = mem_printf(db,
	    "INSERT INTO public.migration (number, name, checksum)"
	    " VALUES (%d, '%s', '%s')",
	    m->number, m->name, m->checksum);
	enum err e = conn_command(db, NAME, sql, NULL);

	talloc_free(sql);
	return e;
}

static bool
is_blocked(const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state && (strcmp(state, LOCK_TIMEOUT) == 0 ||
			    strcmp(state, DEADLOCK) == 0);
}

/*
 * Runs a migration within an open transaction. *blocked: it failed because
 * others hold a lock.
 */
static enum err
apply_text(struct db *db, const struct migration *m, bool *blocked)
{
	PGresult *res;
	enum err e;
	int line;

	e = conn_command(db, m->name, m->text, &res);
	*blocked = e && res && is_blocked(res);
	if (e && res) {
		line = line_of(res, m->text);
		conn_set_error(db, "migration %04d_%s.sql%s%.0d: %s", m->number,
		    m->name, line ? ", line " : "", line,
		    PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
	}
	PQclear(res);
	return e ? e : record(db, m);
}

static enum err
make_table(struct db *db)
{
	return conn_command(db, NAME,
	    "CREATE TABLE IF NOT EXISTS public.migration ("
	    " number integer PRIMARY KEY,"
	    " name text NOT NULL,"
	    " checksum text NOT NULL,"
	    " applied_at timestamptz NOT NULL DEFAULT now())",
	    NULL);
}

/* Commits or rolls back, depending on `e`; the first error is preserved. */
static enum err
end(struct db *db, enum err e, bool keep)
{
	char *reason;
	enum err undone;

	if (!e && keep)
		return conn_command(db, NAME, "COMMIT", NULL);
	if (!db->conn)
		return e;
	reason = mem_text(db, db_error(db));
	undone = conn_command(db, NAME, "ROLLBACK", NULL);
	if (e)
		conn_set_error(db, "%s", reason);
	talloc_free(reason);
	return e ? e : undone;
}

struct run {
	struct db *db;
	const struct migration *all;
	const char *role; /* of the program; NULL: no grants */
	bool dry;
	void (*on_migration)(const struct migration *, void *);
	void *arg;
};

static enum err
grant_to(const struct run *r)
{
	return r->role ? grant_rights(r->db, r->role) : ERR_OK;
}

/* The schema is current; the privileges of the role may not be. */
static enum err
only_grant(const struct run *r)
{
	enum err e = conn_command(r->db, NAME, "BEGIN", NULL);

	return e ? e : end(r->db, grant_to(r), !r->dry);
}

static enum err
apply_once(const struct run *r, const struct migration *m, const char *limit,
    bool *blocked)
{
	enum err e = conn_command(r->db, NAME, "BEGIN", NULL);

	*blocked = false;
	if (e)
		return e;
	e = conn_command(r->db, NAME, limit, NULL);
	if (!e)
		e = apply_text(r->db, m, blocked);
	if (!e)
		e = grant_to(r);
	return end(r->db, e, true);
}

/*
 * A migration waits for a lock for less time than a request does: it may hold
 * others that requests wait for, which would fail. It is tried again, at last
 * without a limit.
 */
static enum err
apply_alone(const struct run *r, const struct migration *m)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	bool blocked;
	enum err e;
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		e = apply_once(
		    r, m, "SET LOCAL lock_timeout = " LOCK_WAIT_MS, &blocked);
		if (!e || !blocked)
			return e;
		(void)nanosleep(&pause, NULL);
	}
	return apply_once(r, m, "SET LOCAL lock_timeout = 0", &blocked);
}

static enum err
apply_one(const struct run *r, const struct migration *m)
{
	bool blocked;
	enum err e;

	if (m->applied_at)
		return ERR_OK;
	if (r->on_migration)
		r->on_migration(m, r->arg);
	if (!r->dry)
		return apply_alone(r, m);
	e = apply_text(r->db, m, &blocked);
	return e ? e : grant_to(r);
}

static enum err
apply_all(const struct run *r)
{
	enum err e = ERR_OK;

	if (r->dry)
		e = conn_command(r->db, NAME, "BEGIN", NULL);
	if (e)
		return e;
	e = make_table(r->db);
	for (int i = 0; !e && i < carried_count; i++)
		e = apply_one(r, &r->all[i]);
	return r->dry ? end(r->db, e, false) : e;
}

/* One run at a time: a lock of the session. */
static enum err
lock(struct db *db)
{
	PGresult *res;
	bool got;
	enum err e;

	e = conn_command(
	    db, NAME, "SELECT pg_try_advisory_lock(" LOCK ")", &res);
	got = !e && PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	if (e || got)
		return e;
	log_info("another migration is running: waiting for it");
	return conn_command(
	    db, NAME, "SELECT pg_advisory_lock(" LOCK ")", NULL);
}

static enum err
unlock(struct db *db, enum err e)
{
	enum err unlocked;

	if (!db->conn)
		return e;
	unlocked =
	    conn_command(db, NAME, "SELECT pg_advisory_unlock(" LOCK ")", NULL);
	return e ? e : unlocked;
}

enum err
migrate_apply(struct db *db, const char *role, bool dry_run,
    void (*on_migration)(const struct migration *, void *), void *arg)
{
	TALLOC_CTX *mem = mem_need(talloc_new(db));
	struct run r = { db, NULL, role, dry_run, on_migration, arg };
	struct migration *all;
	struct schema schema;
	enum err e;

	assert(!db->in_tx && !db->in_copy);
	e = db_connect(db);
	if (!e)
		e = lock(db);
	if (e) {
		talloc_free(mem);
		return e;
	}
	e = look(mem, db, &all, &schema);
	if (!e && (schema.verdict == SCHEMA_AHEAD ||
		      schema.verdict == SCHEMA_CHANGED)) {
		conn_set_error(db, "%s", schema.sentence);
		e = ERR_CONFLICT;
	} else if (!e) {
		r.all = all;
		e = schema.verdict == SCHEMA_BEHIND ? apply_all(&r) :
						      only_grant(&r);
	}
	db->schema_good = false;
	db->schema_look_at = 0;
	e = unlock(db, e);
	talloc_free(mem);
	return e;
}

int
migrate_newest(void)
{
	return carried[carried_count - 1].number;
}

enum err
migrate_within(struct db *db, const char *role,
    void (*on_migration)(const struct migration *, void *), void *arg)
{
	TALLOC_CTX *mem = mem_need(talloc_new(db));
	struct run r = { db, NULL, role, true, on_migration, arg };
	struct migration *all = NULL;
	struct schema schema;
	enum err e = look(mem, db, &all, &schema);

	if (!e && (schema.applied == 0 || schema.verdict == SCHEMA_AHEAD ||
		      schema.verdict == SCHEMA_CHANGED)) {
		conn_set_error(db, "%s", schema.sentence);
		e = ERR_CONFLICT;
	}
	for (int i = 0; !e && i < carried_count; i++)
		e = apply_one(&r, &all[i]);
	if (!e)
		e = grant_to(&r);
	talloc_free(mem);
	return e;
}
