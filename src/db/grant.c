/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Privileges of the role of the program. The statements are not sent by
 * query_…(), which requires a current schema.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "db/conn.h"
#include "db/grant.h"
#include "db/sqlstate.h"
#include "db/stmt.h"

/* A role name cannot be a statement parameter, so it is set in the session. */
static enum err
name_role(struct db *db, const char *role)
{
	const struct stmt_info *info = stmt_info(SQL_role_name);
	PGresult *res = NULL;
	enum err e;

	if (PQsendQueryParams(
		db->conn, info->text, 1, NULL, &role, NULL, NULL, 0))
		res = conn_wait(db);
	e = conn_check(db, info->name, res);
	PQclear(res);
	return e;
}

enum err
grant_rights(struct db *db, const char *role)
{
	const struct stmt_info *info = stmt_info(SQL_role_grant);
	PGresult *res = NULL;
	enum err e;

	e = name_role(db, role);
	if (!e)
		e = conn_command(db, info->name, info->text, &res);
	if (e && res)
		conn_set_error(db, "rights of the role \"%s\": %s", role,
		    PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
	PQclear(res);
	return e;
}
