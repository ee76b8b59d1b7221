/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libpq reports connection errors only as text, and those of the server are in
 * its language; unrecognised ones get the general advice.
 */
#include "base/base.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/mem.h"
#include "ctl/advice.h"
#include "db/db.h"
#include "db/settings.h"

/* The user of the services, as in README and the systemd units. */
#define SERVICE_USER "moviesxmovies"

/* The current command: "mxmctl --config FILE migrate". */
static const char *
command_of(const struct ctl *ctl)
{
	if (strcmp(ctl->config, CONF_FILE) == 0)
		return mem_printf(ctl->mem, "mxmctl %s", ctl->command);
	return mem_printf(
	    ctl->mem, "mxmctl --config %s %s", ctl->config, ctl->command);
}

/* The command as another user: with runuser for root, else with sudo. */
static const char *
run_as(const struct ctl *ctl, const char *user)
{
	return mem_printf(ctl->mem, "run it as %s: %s %s -- %s", user,
	    geteuid() == 0 ? "runuser -u" : "sudo -u", user, command_of(ctl));
}

/* The text between the first two quotation marks; NULL: none. */
static const char *
quoted(TALLOC_CTX *mem, const char *text)
{
	const char *from = strchr(text, '"'), *to;

	to = from ? strchr(from + 1, '"') : NULL;
	return to ? mem_textn(mem, from + 1, (size_t)(to - from - 1)) : NULL;
}

/* A missing role: usually the one named after the current user. */
static const char *
missing_role(const struct ctl *ctl, const char *error, const char *user)
{
	const char *role = strstr(error, "role \"");

	role = role ? quoted(ctl->mem, role) : NULL;
	if (!user && (!role || strcmp(role, SERVICE_USER) != 0))
		return run_as(ctl, SERVICE_USER);
	return mem_printf(ctl->mem,
	    "create it: runuser -u postgres -- createuser %s",
	    role ? role : user);
}

static const char *
missing_database(const struct ctl *ctl, const char *error, const char *user)
{
	const char *name = strstr(error, "database \"");
	const char *owner =
	    settings_conninfo(ctl->mem, ctl->conf->database_owner, "user");

	if (owner)
		user = owner;
	name = name ? quoted(ctl->mem, name) : NULL;
	return mem_printf(ctl->mem,
	    "create it: runuser -u postgres -- createdb -O %s -T template0 "
	    "-E UTF8 -l C.UTF-8 %s; or correct the setting `database` (%s)",
	    user ? user : SERVICE_USER, name ? name : SERVICE_USER,
	    conf_place(ctl->conf, CONF_ID_database));
}

static const char *
wrong_password(const struct ctl *ctl, const char *user)
{
	return mem_printf(ctl->mem,
	    "correct the password in the setting `database` (%s), or set "
	    "a new one: runuser -u postgres -- psql -c '\\password %s'",
	    conf_place(ctl->conf, CONF_ID_database),
	    user ? user : SERVICE_USER);
}

/* Errors that do not depend on the role or the database. */
static const struct {
	const char *part;
	const char *advice;
} known[] = {
	{ "too many clients", "raise max_connections in postgresql.conf, or "
			      "lower the setting `workers`" },
	{ "remaining connection slots", "raise max_connections in "
					"postgresql.conf, or lower the setting "
					"`workers`" },
	{ "starting up", "wait until PostgreSQL has started" },
	{ "shutting down", "start PostgreSQL: systemctl start postgresql" },
	{ "no pg_hba.conf entry", "add this role to pg_hba.conf, then: "
				  "systemctl reload postgresql" },
};

const char *
advice_database(const struct ctl *ctl, const char *error)
{
	const char *user =
	    settings_conninfo(ctl->mem, ctl->conf->database, "user");
	size_t i;

	if (strstr(error, "Peer authentication failed"))
		return run_as(ctl, user ? user : SERVICE_USER);
	if (strstr(error, "role \"") && strstr(error, "does not exist"))
		return missing_role(ctl, error, user);
	if (strstr(error, "database \"") && strstr(error, "does not exist"))
		return missing_database(ctl, error, user);
	if (strstr(error, "permission denied"))
		return ctl->conf->database_owner[0] ?
			   "\"mxmctl migrate\", run as the owner, grants the "
			   "missing privileges" :
			   "the role must own the database: runuser -u postgres -- "
			   "psql -c 'ALTER DATABASE moviesxmovies OWNER TO "
			   "moviesxmovies'";
	if (strstr(error, "password"))
		return wrong_password(ctl, user);
	for (i = 0; i < array_len(known); i++)
		if (strstr(error, known[i].part))
			return known[i].advice;
	/* a message in another language; there is no role root by default */
	if (!user && geteuid() == 0 && strstr(error, "\"root\""))
		return run_as(ctl, SERVICE_USER);
	return mem_printf(ctl->mem,
	    "check the setting `database` (%s) and that PostgreSQL is "
	    "running: systemctl status postgresql",
	    conf_place(ctl->conf, CONF_ID_database));
}

const char *
advice_error(const struct ctl *ctl, struct db *db)
{
	const char *error = db_error(db);

	if (db_is_unfit(db) || strstr(error, "is a standby"))
		return mem_text(ctl->mem, error);
	return mem_printf(
	    ctl->mem, "%s; %s", error, advice_database(ctl, error));
}

struct db *
ctl_database(struct ctl *ctl)
{
	return db_new(
	    ctl->mem, ctl->conf->database, (long)ctl->conf->statement_timeout);
}

int
ctl_failed(struct ctl *ctl, struct db *db, enum err e)
{
	const char *why = db_error(db);

	if (e == ERR_UNAVAILABLE)
		why = advice_error(ctl, db);
	ctl_error(ctl, "%s\n", *why ? why : err_slug(e));
	return e == ERR_UNAVAILABLE ? EX_UNAVAILABLE : EX_DATAERR;
}
