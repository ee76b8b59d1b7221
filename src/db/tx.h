/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions.
 */
#ifndef DB_TX_H
#define DB_TX_H

#include "base/base.h"

#include "db/db.h"

/*
 * Calls fn(arg) in a transaction: commits if it returns ERR_OK, else rolls
 * back. After a deadlock or a serialization failure it is tried up to five
 * times (db/retry.c), so fn must not depend on previous calls or have effects
 * outside the database. Must not be nested. Returns the result of fn, or
 * ERR_UNAVAILABLE if the connection was lost during the commit, whose result is
 * then unknown.
 */
enum err tx_run(struct db *db, enum err (*fn)(void *), void *arg);

/* As tx_run(), but always rolls back. */
enum err tx_try(struct db *db, enum err (*fn)(void *), void *arg);

#endif
