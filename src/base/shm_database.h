/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the workers of a host tell each other of the database, so that one that
 * hangs, or one locked table, does not take all of them: whether it is away,
 * when it last gave a sign of life, and who waits for it. Times are of the
 * steady clock.
 */
#ifndef BASE_SHM_DATABASE_H
#define BASE_SHM_DATABASE_H

#include "base/base.h"

#include "base/shm.h"

enum shm_database {
	SHM_DB_GO,    /* ask it */
	SHM_DB_PROBE, /* it was away: this worker finds out whether it is back
		       */
	SHM_DB_REFUSE /* it is away, or half of the pool is stuck in it */
};

/*
 * May this worker begin to wait for the database? At most one in half a second
 * is told to probe; it is to call shm_db_answered() or shm_db_away().
 */
enum shm_database shm_db_ask(struct shm *s);

/* This worker waits for the database, and does no more. */
void shm_db_waits(struct shm *s);
void shm_db_done(struct shm *s);

/* It waited for a lock or a statement until that timed out. */
void shm_db_stuck(struct shm *s);

/* Did it, in the last second? */
bool shm_db_was_stuck(const struct shm *s);

/* A sign of life; and how long ago the last one was. true: it was away. */
bool shm_db_answered(struct shm *s);
int64_t shm_db_silence_us(const struct shm *s);

/* It does not answer at all. true: nobody had said so. */
bool shm_db_away(struct shm *s);
bool shm_db_is_away(const struct shm *s);

#endif
