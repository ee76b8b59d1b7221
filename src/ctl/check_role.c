/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: whether the role of the programs has more privileges than to
 * read and write rows. An attacker who controls a program has the privileges of
 * its role.
 */
#include "base/base.h"

#include <sysexits.h>

#include "ctl/check.h"
#include "db/db.h"
#include "db/query.h"
#include "db/settings.h"

/* How to change an installation that has only one role. */
static const char *
second_role(struct ctl *ctl, const char *role, const char *database)
{
	return mem_printf(ctl->mem,
	    "make a second role their owner (HACKING, INSTALL BY HAND): runuser -u "
	    "postgres -- createuser %s-owner; runuser -u postgres -- psql -d "
	    "%s -c 'REASSIGN OWNED BY %s TO \"%s-owner\"'; set database_owner "
	    "to \"dbname=%s user=%s-owner\" and run mxmctl migrate as it",
	    role, database, role, role, database, role);
}

static const char *
excess_privileges(struct ctl *ctl, const struct row *row)
{
	const char *role = row_text(row, "role");

	if (row_bool(row, "is_super"))
		return mem_printf(ctl->mem,
		    "the program's role %s is a superuser; runuser -u postgres "
		    "-- psql -c 'ALTER ROLE %s NOSUPERUSER'",
		    role, role);
	if (row_bool(row, "owns"))
		return mem_printf(ctl->mem,
		    "the program's role %s owns the tables, or is a member of "
		    "their owner, and can drop them; %s",
		    role, second_role(ctl, role, row_text(row, "database")));
	if (row_bool(row, "creates") || row_bool(row, "truncates"))
		return mem_printf(ctl->mem,
		    "the program's role %s can create or truncate tables; "
		    "runuser -u postgres -- psql -d %s -c 'REVOKE CREATE ON "
		    "SCHEMA public FROM PUBLIC, %s; REVOKE CREATE ON DATABASE "
		    "%s FROM PUBLIC, %s; REVOKE TRUNCATE ON ALL TABLES IN "
		    "SCHEMA public FROM PUBLIC, %s'",
		    role, row_text(row, "database"), role,
		    row_text(row, "database"), role, role);
	return NULL;
}

void
check_role(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	const char *text;
	struct row row;

	if (query_one(ctl->mem, check_db(f), &row, SQL_role_rights, NO_ARGS) !=
	    ERR_OK)
		return; /* reported by check_database() */
	text = excess_privileges(ctl, &row);
	if (text)
		check_warn(f, "role", text);
	else
		check_found(f, "role", EX_OK, "reads and writes rows only");
}
