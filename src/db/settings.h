/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings as every program reads them: what base/conf.h says of them, and
 * what only the library of PostgreSQL can say of the connection string.
 */
#ifndef DB_SETTINGS_H
#define DB_SETTINGS_H

#include "base/conf.h"

/* conf_load(), and the setting `database` is one that libpq understands. */
enum err settings_load(TALLOC_CTX *mem, const char *file, struct conf **out,
    struct conf_errors *errors);

/*
 * What a good connection string says for a keyword of libpq ("user"), below
 * `mem`; NULL: nothing. Defaults and the environment are not looked at.
 */
const char *settings_conninfo(
    TALLOC_CTX *mem, const char *conninfo, const char *keyword);

#endif
