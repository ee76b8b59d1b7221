/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Privileges of the role of the program on a schema owned by another role.
 */
#ifndef DB_GRANT_H
#define DB_GRANT_H

#include "base/base.h"

#include "db/db.h"

/*
 * Within a transaction of the owner: grants `role` the privileges in
 * sql/roles.sql and revokes others; writes nothing if there is no difference or
 * `role` is the owner. The error message is in db_error().
 */
enum err grant_rights(struct db *db, const char *role);

#endif
