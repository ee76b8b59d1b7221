/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The master process: forks the workers of all pools, replaces those that die
 * or hang, and on a reload starts new workers before it drains the old ones. It
 * is independent of what the workers do.
 */
#ifndef PREFORK_H
#define PREFORK_H

#include "base/base.h"

#include "base/shm.h"

/* Passed to a forked worker, which owns the descriptors. */
struct prefork_role {
	int pool;
	int slot; /* in shared memory */
	int listen_fd;
	int handover_fd;
	int handover_send_fd;
	int ready_fd; /* for prefork_ready() */
	pid_t master;
};

/* Derived from one version of the settings. */
struct prefork_plan {
	int workers[SHM_POOLS];
	int64_t deadline_ms; /* busy for longer: killed */
	void *settings;      /* for the workers, a talloc object */
};

struct prefork_setup {
	struct shm *shm;
	int listen_fd[SHM_POOLS];
	const char *pool_name[SHM_POOLS];
	/* In the child, with default signals; does not return. */
	void (*work)(const struct prefork_role *role, void *settings);
	/*
	 * SIGHUP: fills a new plan, or returns false, and the workers are kept.
	 * The settings of a plan are freed when its last worker has ended.
	 */
	bool (*reload)(void *arg, struct prefork_plan *out);
	/* Sends "READY=1" etc. to the service manager; may be NULL. */
	void (*notify)(void *arg, const char *state);
	int64_t watchdog_us; /* how often WATCHDOG=1 is due; 0: never */
	void *arg;
};

/*
 * Runs until SIGTERM or SIGINT, then drains the workers (a second signal or the
 * deadline kills them). Returns the number of workers killed at the end, or -1
 * if the master could not be set up.
 */
int prefork_run(
    const struct prefork_setup *setup, const struct prefork_plan *plan);

/* Called by a worker that is ready for requests. */
void prefork_ready(struct shm *shm, const struct prefork_role *role);

/* Called by a draining worker: whether another worker of its pool keeps
 * serving. */
bool prefork_has_peers(const struct shm *shm, const struct prefork_role *role);

#endif
