/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the session at the server, only for the sources of db/.
 */
#ifndef DB_SESSION_H
#define DB_SESSION_H

#include "base/base.h"

struct db;

/* Sets all of a new connection, and begins to listen (db_listen()). */
enum err session_settle(struct db *db);

/*
 * Sets the statement timeout of the session in milliseconds, 0: none, and the
 * lock timeout of the settings; a tenth of both in a worker that was just
 * stuck, because requests may wait for it.
 */
enum err session_set_timeouts(struct db *db, long ms);

#endif
