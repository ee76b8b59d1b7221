/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl migrate: applies migrations, prints their state, or does a dry run.
 * Also copies the default pictures, which are column defaults. With the setting
 * database_owner it connects as the owner of the tables, which grants the role
 * of the programs its privileges.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "base/json.h"
#include "ctl/advice.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/settings.h"

static void
print_migration(const struct migration *m, void *arg)
{
	const struct ctl *ctl = arg;

	if (!ctl->json)
		printf("%04d %s\n", m->number, m->name);
}

static const char *
state_of(const struct migration *m)
{
	if (m->changed)
		return "changed";
	return m->applied_at ? "applied" : "missing";
}

static void
print_list(struct ctl *ctl, const struct migration *list, int n,
    const struct schema *schema)
{
	struct json *j;
	int i;

	if (!ctl->json) {
		for (i = 0; i < n; i++)
			printf("%04d %-12s %-8s %s\n", list[i].number,
			    list[i].name, state_of(&list[i]),
			    list[i].applied_at ? list[i].applied_at : "");
		printf("%s\n", schema->sentence);
		return;
	}
	j = ctl_json(ctl);
	json_object(j);
	json_key(j, "current");
	json_bool(j, schema->verdict == SCHEMA_CURRENT);
	json_key(j, "sentence");
	json_text(j, schema->sentence);
	json_key(j, "migrations");
	json_list(j);
	for (i = 0; i < n; i++) {
		json_object(j);
		json_key(j, "number");
		json_int(j, list[i].number);
		json_key(j, "name");
		json_text(j, list[i].name);
		json_key(j, "state");
		json_text(j, state_of(&list[i]));
		json_key(j, "applied_at");
		json_text(j, list[i].applied_at);
		json_object_end(j);
	}
	json_list_end(j);
	json_object_end(j);
	(void)ctl_json_done(j, EX_OK);
}

/* The user of the setting, or a placeholder. */
static const char *
owner_of(struct ctl *ctl)
{
	const char *user =
	    settings_conninfo(ctl->mem, ctl->conf->database_owner, "user");

	return user ? user : "OWNER";
}

static int
failed(struct ctl *ctl, struct db *db, enum err e)
{
	const char *why = db_error(db);

	if (e == ERR_UNAVAILABLE && ctl->conf->database_owner[0])
		ctl_error(ctl,
		    "%s; check database_owner (%s), and run "
		    "the command as its user: runuser -u %s -- mxmctl "
		    "migrate\n",
		    why, conf_place(ctl->conf, CONF_ID_database_owner),
		    owner_of(ctl));
	else if (ctl->conf->database_owner[0] &&
		 strstr(why, "permission denied"))
		ctl_error(ctl,
		    "%s; the role of database_owner must own "
		    "the database and all objects in it: run, as a superuser "
		    "in that database, REASSIGN OWNED BY %s TO %s\n",
		    why,
		    settings_conninfo(ctl->mem, ctl->conf->database, "user"),
		    owner_of(ctl));
	else if (e == ERR_UNAVAILABLE || strstr(why, "permission denied"))
		ctl_error(ctl, "%s; %s\n", why, advice_database(ctl, why));
	else
		ctl_error(ctl, "%s\n", why);
	return e == ERR_UNAVAILABLE ? EX_UNAVAILABLE : EX_DATAERR;
}

/* EX_OK if current, else EX_DATAERR, for scripts. */
static int
print_status(struct ctl *ctl, struct db *db)
{
	const struct migration *list;
	struct schema schema;
	enum err e;
	int n;

	e = migrate_state(ctl->mem, db, &schema);
	if (!e)
		e = migrate_list(ctl->mem, db, &list, &n);
	if (e)
		return failed(ctl, db, e);
	print_list(ctl, list, n, &schema);
	return schema.verdict == SCHEMA_CURRENT ? EX_OK : EX_DATAERR;
}

static int
apply(struct ctl *ctl, struct db *db, bool dry_run)
{
	const char *role = NULL;
	struct schema schema;
	enum err e;

	if (ctl->conf->database_owner[0])
		role = settings_conninfo(ctl->mem, ctl->conf->database, "user");
	e = migrate_apply(db, role, dry_run, print_migration, ctl);
	if (!e)
		e = migrate_state(ctl->mem, db, &schema);
	if (e)
		return failed(ctl, db, e);
	/* the user of the owner role cannot write there */
	if (!dry_run && !ctl->conf->database_owner[0])
		(void)ctl_default_pictures(ctl);
	if (ctl->json)
		return print_status(ctl, db);
	printf(dry_run ? "all migrations succeed; nothing was changed\n" :
			 "the schema is current\n");
	return EX_OK;
}

int
ctl_migrate(struct ctl *ctl, int argc, char **argv)
{
	struct db *db;

	(void)argc;
	(void)argv;
	if (ctl->conf->database_owner[0] &&
	    !settings_conninfo(ctl->mem, ctl->conf->database, "user")) {
		/* the role that the owner grants privileges to */
		ctl_error(ctl,
		    "database_owner is set, but database (%s) "
		    "names no user; add user=moviesxmovies to it\n",
		    conf_place(ctl->conf, CONF_ID_database));
		return EX_CONFIG;
	}
	/* no statement timeout for migrations */
	db = db_new(ctl->mem,
	    ctl->conf->database_owner[0] ? ctl->conf->database_owner :
					   ctl->conf->database,
	    0);
	if (db_connect(db) != ERR_OK)
		return failed(ctl, db, ERR_UNAVAILABLE);
	return ctl_option(ctl, "--status") ?
		   print_status(ctl, db) :
		   apply(ctl, db, ctl_option(ctl, "--dry-run") != NULL);
}
