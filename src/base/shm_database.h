/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * State of the database shared by the workers of a host, so that a hanging
 * database or a locked table does not block all of them: whether it is
 * unavailable, when it last answered, and which workers wait for it. Times are
 * of the steady clock.
 */
#ifndef BASE_SHM_DATABASE_H
#define BASE_SHM_DATABASE_H

#include "base/base.h"

#include "base/shm.h"

enum shm_database {
	SHM_DB_GO,    /* use it */
	SHM_DB_PROBE, /* unavailable: this worker checks whether it is back
		       */
	SHM_DB_REFUSE /* unavailable, or half of the pool is stuck */
};

/*
 * Whether this worker may wait for the database. At most one worker in half a
 * second gets SHM_DB_PROBE and must call shm_db_answered() or shm_db_away().
 */
enum shm_database shm_db_ask(struct shm *s);

/* This worker begins to wait for the database; it ends to wait. */
void shm_db_waits(struct shm *s);
void shm_db_done(struct shm *s);

/* A lock or a statement of this worker has timed out. */
void shm_db_stuck(struct shm *s);

/* Whether that was in the last second. */
bool shm_db_was_stuck(const struct shm *s);

/* It has answered (true: it was unavailable); time since the last answer. */
bool shm_db_answered(struct shm *s);
int64_t shm_db_silence_us(const struct shm *s);

/* It does not answer. true: this was not known. */
bool shm_db_away(struct shm *s);
bool shm_db_is_away(const struct shm *s);

#endif
