/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a failed statement or transaction is tried again: several times after a
 * deadlock or serialization failure, because others have won; once after a
 * stale prepared statement or a lost connection, because the next one is new.
 */
#include "base/base.h"

#include <time.h>

#include "base/random.h"
#include "db/conn.h"

#define CONFLICT_TRIES 5
#define TRIES          2
#define PAUSE_MAX_MS   10

/* A random delay, so that conflicting transactions do not retry together. */
static void
pause_briefly(void)
{
	struct timespec pause = { .tv_nsec = 1000000L *
					     (1 + random_below(PAUSE_MAX_MS)) };

	nanosleep(&pause, NULL);
}

bool
conn_retry(struct db *db, int tries, bool is_repeatable)
{
	if (db->in_tx)
		return false;
	if (db->retry) {
		if (tries >= CONFLICT_TRIES)
			return false;
		pause_briefly();
		return true;
	}
	if (tries >= TRIES)
		return false;
	if (db->outdated) {
		conn_drop(db);
		db->own_session = false;
		return true;
	}
	return db->lost && is_repeatable;
}
