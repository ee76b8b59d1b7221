/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several statements, all or none.
 */
#ifndef DB_TX_H
#define DB_TX_H

#include "base/base.h"

#include "db/db.h"

/*
 * Calls fn(arg) inside a transaction: committed when it returns ERR_OK, else
 * undone. After a deadlock or a serialization failure all of it is done again,
 * some times; so fn must begin afresh at each call and do nothing outside the
 * database. Not to be nested. Returns what fn returned, or ERR_UNAVAILABLE when
 * the commit was lost (then nobody knows whether it happened).
 */
enum err tx_run(struct db *db, enum err (*fn)(void *), void *arg);

/* As tx_run(), but always undone: for a look at what would happen. */
enum err tx_try(struct db *db, enum err (*fn)(void *), void *arg);

#endif
