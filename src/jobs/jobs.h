/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Background jobs: what a handler gets, and the loops that mxm-jobs runs in
 * processes of their own, so that a mail server that keeps us waiting delays
 * neither another mail nor the touches.
 */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "base/base.h"

#include <signal.h>

struct cache;
struct conf;
struct db;
struct shm;

/* What one process of mxm-jobs works with. */
struct jobs {
	TALLOC_CTX *mem;
	const struct conf *conf;
	struct db *db;
	struct cache *cache;
	struct shm *shm;                   /* NULL: no mxmd here yet */
	const volatile sig_atomic_t *stop; /* end after the job at hand */
	int64_t schedule_at;               /* steady clock */
	int64_t reap_at;
	int pause_ms;
	bool overdue; /* touches are left that could not be raised */
};

/* One claimed job. */
struct job {
	TALLOC_CTX *mem; /* ends with the attempt */
	struct jobs *in;
	int64_t id;
	const char *name;
	int attempts; /* this one included */
	int max_attempts;
	const char
	    *why; /* set by a handler that fails; no addresses, no codes */
};

/*
 * Does the work; may be called again after it was done, if the process died
 * before that was noted. ERR_OK: done, or there is nothing to be done any more.
 * ERR_INVALID: it will never work. Else it is tried again later.
 */
typedef enum err job_handler(struct job *job);

#define JOB(NAME, HANDLER, MOST, PERIOD) job_handler HANDLER;
#include "jobs.def"
#undef JOB

/* A handle on everything, below `mem`; connects nothing. After the fork. */
struct jobs *jobs_new(TALLOC_CTX *mem, const struct conf *conf,
    const volatile sig_atomic_t *stop);

/* Queues periodic jobs, frees lost ones, and runs jobs until none is due. */
enum err jobs_round(struct jobs *j);

/* jobs_round() whenever there may be work, until told to stop. */
void jobs_run(struct jobs *j);

/*
 * Raises the generations of all that table touch holds, and deletes the rows.
 * Readers pass the cache by from when a raise fails until none is left over.
 */
enum err touch_round(struct jobs *j);

/* touch_round() every second, until told to stop. */
void touch_run(struct jobs *j);

/*
 * Sees to it that setting model_file is the model in force: when it is not what
 * was published last, or no good, that is fetched. What the database holds
 * changes nothing here when it is corrupt, and neither does an empty table.
 */
enum err model_round(struct jobs *j);

/*
 * The same at once, after each notification, within a second when the file is
 * not as it was, and twice a minute, until told to stop. Is to be run with
 * SIGXFSZ ignored.
 */
void model_run(struct jobs *j);

/*
 * After a round: nothing when it went well, else a sleep that grows from a
 * quarter of a second to four, or until a signal comes.
 */
void jobs_rest(struct jobs *j, enum err e);

#endif
