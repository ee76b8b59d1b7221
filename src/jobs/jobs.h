/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Background jobs: the interface of handlers, and the loops that mxm-jobs runs
 * in separate processes, so that a slow mail server delays neither other mails
 * nor the touches.
 */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "base/base.h"

#include <signal.h>

struct cache;
struct conf;
struct db;
struct oidc;
struct shm;

/*
 * Jobs for which a request waits, those that may take minutes, the others, and
 * the periodic of these.
 */
enum jobs_group {
	JOBS_ALL,
	JOBS_LATER,
	JOBS_AWAITED,
	JOBS_LONG,
	JOBS_PERIODIC
};

/* The state of a process of mxm-jobs. */
struct jobs {
	TALLOC_CTX *mem;
	const struct conf *conf;
	struct db *db;
	struct cache *cache;
	struct shm *shm; /* NULL: mxmd has not run on this host */
	const volatile sig_atomic_t *stop; /* exit after the current job */
	int64_t schedule_at;               /* steady clock */
	int64_t reap_at;
	int pause_ms;
	bool overdue;          /* some touches could not be raised */
	struct oidc *oidc;     /* what providers have published (oidc.c) */
	enum jobs_group group; /* claims only jobs of this group */
};

/* A claimed job. */
struct job {
	TALLOC_CTX *mem; /* freed after the attempt */
	struct jobs *in;
	int64_t id;
	const char *name;
	int attempts; /* including this one */
	int max_attempts;
	const char *trace; /* header traceparent for what it calls, or NULL */
	const char
	    *why; /* set by a failing handler; without addresses and codes */
	const char *result; /* JSON for the request that waits; NULL: none */
};

/*
 * Runs the job; may be called again for a finished job, if the process died
 * before that was stored. ERR_OK: done, or nothing to do. ERR_INVALID:
 * permanent failure. Other errors: retried later.
 */
typedef enum err job_handler(struct job *job);

#define JOB(NAME, HANDLER, MOST, PERIOD) job_handler HANDLER;
#define JOB_AWAITED(NAME, HANDLER)       job_handler HANDLER;
#define JOB_LONG(NAME, HANDLER, MOST)    job_handler HANDLER;
#include "jobs.def"
#undef JOB
#undef JOB_AWAITED
#undef JOB_LONG

/*
 * Extends the lease of a job: a handler that takes longer than a minute calls
 * it at least once a minute, else the job is taken for abandoned.
 */
void jobs_renew(struct job *job);

/* Creates the state below `mem`, without connecting. Call it after the fork. */
struct jobs *jobs_new(TALLOC_CTX *mem, const struct conf *conf,
    const volatile sig_atomic_t *stop);

/* Queues periodic jobs, releases abandoned ones, and runs jobs until none is
 * due. */
enum err jobs_round(struct jobs *j);

/* jobs_round() whenever there may be work, until stopped. */
void jobs_run(struct jobs *j);

/*
 * Raises the generations of all rows of table touch, and deletes the rows.
 * Readers bypass the cache after a failed raise until all have been raised.
 */
enum err touch_round(struct jobs *j);

/* touch_round() every second, until stopped. */
void touch_run(struct jobs *j);

/*
 * Updates the file at setting model_file: fetches the model in force if the
 * file is another one or invalid. A corrupt model in the database and an empty
 * table change nothing.
 */
enum err model_round(struct jobs *j);

/*
 * The same at once, after each notification, within a second after the file has
 * changed, and twice a minute, until stopped. SIGXFSZ must be ignored.
 */
void model_run(struct jobs *j);

/*
 * After a failed round: sleeps, from a quarter of a second up to four, or until
 * a signal arrives.
 */
void jobs_rest(struct jobs *j, enum err e);

#endif
