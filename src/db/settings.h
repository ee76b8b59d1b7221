/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the settings for all programs: base/conf.h, plus the check of the
 * connection string by libpq.
 */
#ifndef DB_SETTINGS_H
#define DB_SETTINGS_H

#include "base/conf.h"

/*
 * conf_load(), and checks that libpq accepts the connection strings;
 * database_password is added to `database` and `database_replica`.
 */
enum err settings_load(TALLOC_CTX *mem, const char *file, struct conf **out,
    struct conf_errors *errors);

/*
 * The value of a libpq keyword ("user") in a valid connection string, below
 * `mem`; NULL: none. Defaults and the environment are ignored.
 */
const char *settings_conninfo(
    TALLOC_CTX *mem, const char *conninfo, const char *keyword);

#endif
