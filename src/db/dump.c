/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshot and connection for pg_dump. Plain SQL, because the schema may be
 * that of an earlier version.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/mem.h"
#include "db/conn.h"
#include "db/dump.h"
#include "db/migrate.h"
#include "db/sqlstate.h"

#define NAME "(backup)"

extern char **environ;

static int64_t
number_at(const PGresult *res, int column)
{
	return strtoll(PQgetvalue(res, 0, column), NULL, 10);
}

enum err
dump_count(struct db *db, bool *any, struct dump_counts *out)
{
	PGresult *res;
	bool ours;
	enum err e;

	*any = false;
	*out = (struct dump_counts){ -1, -1, -1, -1 };
	e = conn_command(db, NAME, "SET lock_timeout = '5s'", NULL);
	if (e)
		return e;
	e = conn_command(db, NAME,
	    "SELECT EXISTS (SELECT FROM pg_class AS c"
	    "                WHERE relnamespace = 'public'::regnamespace"
	    "                  AND NOT EXISTS (SELECT FROM pg_depend"
	    "                                   WHERE classid = "
	    "'pg_class'::regclass"
	    "                                     AND objid = c.oid"
	    "                                     AND deptype = 'e')),"
	    "       to_regclass('public.migration') IS NOT NULL"
	    "       AND to_regclass('public.review') IS NOT NULL",
	    &res);
	*any = !e && PQgetvalue(res, 0, 0)[0] == 't';
	ours = !e && PQgetvalue(res, 0, 1)[0] == 't';
	PQclear(res);
	if (e || !ours)
		return e;
	e = conn_command(db, NAME,
	    "SELECT (SELECT count(*) FROM public.account),"
	    "       (SELECT count(*) FROM public.movie),"
	    "       (SELECT count(*) FROM public.rating),"
	    "       (SELECT count(*) FROM public.review)",
	    &res);
	if (!e)
		*out =
		    (struct dump_counts){ number_at(res, 0), number_at(res, 1),
			    number_at(res, 2), number_at(res, 3) };
	PQclear(res);
	return e;
}

static enum err
export_snapshot(TALLOC_CTX *mem, struct db *db, const char **name)
{
	PGresult *res;
	enum err e;

	e = conn_command(db, NAME,
	    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
	    "SET LOCAL statement_timeout = 0;"
	    "SET LOCAL idle_in_transaction_session_timeout = 0;"
	    "SELECT pg_export_snapshot()",
	    &res);
	if (!e)
		*name = mem_text(mem, PQgetvalue(res, 0, 0));
	PQclear(res);
	return e;
}

enum err
dump_begin(TALLOC_CTX *mem, struct db *db, struct dump *out)
{
	struct schema schema;
	bool any;
	enum err e;

	db->timeout_now = 0;
	e = export_snapshot(mem, db, &out->snapshot);
	if (e)
		return e;
	db->in_tx = true;
	e = migrate_state(mem, db, &schema);
	if (!e && schema.applied == 0) {
		conn_set_error(db, "%s", schema.sentence);
		e = ERR_NOT_FOUND;
	}
	out->schema = schema.applied;
	return e ? e : dump_count(db, &any, &out->counts);
}

void
dump_end(struct db *db)
{
	db->in_tx = false;
	conn_drop(db);
}

/* Sets a variable in the list; an entry of the same name is replaced. */
static const char **
put(TALLOC_CTX *mem, const char **list, const char *name, const char *value)
{
	size_t n = strlen(name), i = 0;

	while (list[i] && (strncmp(list[i], name, n) != 0 || list[i][n] != '='))
		i++;
	if (!list[i]) {
		list = mem_grow(mem, list, const char *, i + 2);
		list[i + 1] = NULL;
	}
	list[i] = mem_printf(mem, "%s=%s", name, value);
	return list;
}

static const char **
copy_environment(TALLOC_CTX *mem)
{
	const char **list = mem_array(mem, const char *, 1);
	size_t n = 0;

	for (char **p = environ; *p; p++) {
		if (strncmp(*p, "MXM_", 4) == 0)
			continue;
		list = mem_grow(mem, list, const char *, n + 2);
		list[n++] = *p;
		list[n] = NULL;
	}
	return put(mem, list, "LC_ALL", "C");
}

/*
 * What is set in the connection string, and the server, user and database of
 * the connection itself: a string may name several hosts, or leave them to
 * defaults.
 */
const char *const *
dump_environment(TALLOC_CTX *mem, const struct db *db, const char **why)
{
	PQconninfoOption *all = PQconninfo(db->conn);
	const char **list = copy_environment(mem);

	mem_need(all);
	*why = NULL;
	for (PQconninfoOption *o = all; o->keyword; o++) {
		if (!o->val || !*o->val)
			continue;
		if (o->envvar)
			list = put(mem, list, o->envvar, o->val);
		else if (*o->dispchar == '*')
			*why = mem_text(mem, o->keyword);
	}
	PQconninfoFree(all);
	list = put(mem, list, "PGHOST", PQhost(db->conn));
	list = put(mem, list, "PGPORT", PQport(db->conn));
	list = put(mem, list, "PGUSER", PQuser(db->conn));
	list = put(mem, list, "PGDATABASE", PQdb(db->conn));
	if (PQpass(db->conn) && *PQpass(db->conn))
		list = put(mem, list, "PGPASSWORD", PQpass(db->conn));
	return *why ? NULL : list;
}
