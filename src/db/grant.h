/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rights of the program's role on a schema that another role owns.
 */
#ifndef DB_GRANT_H
#define DB_GRANT_H

#include "base/base.h"

#include "db/db.h"

/*
 * Within an open transaction of the owner: gives `role` what sql/roles.sql says
 * and takes what is more; writes nothing when all is so already, or when `role`
 * is the owner itself. The reason of a failure is in db_complaint().
 */
enum err grant_rights(struct db *db, const char *role);

#endif
