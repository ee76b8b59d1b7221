/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The master: forks the workers of all pools, replaces those that die or hang,
 * and on a reload starts a new crew before it lets the old one go. It knows
 * nothing of what workers do.
 */
#ifndef PREFORK_H
#define PREFORK_H

#include "base/base.h"

#include "base/shm.h"

/* What a newly forked worker is given. Descriptors belong to it. */
struct prefork_role {
	int pool;
	int slot; /* in shared memory */
	int listen_fd;
	int handover_fd;
	int handover_send_fd;
	int ready_fd; /* for prefork_ready() */
	pid_t master;
};

/* One reading of the settings. */
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
	 * SIGHUP: fills a new plan, or returns false and all goes on as it
	 * was. Settings of a plan that nobody uses any more are freed.
	 */
	bool (*reload)(void *arg, struct prefork_plan *out);
	/* Tells the service manager: "READY=1" and the like; may be NULL. */
	void (*tell)(void *arg, const char *state);
	int64_t watchdog_us; /* how often WATCHDOG=1 is due; 0: never */
	void *arg;
};

/*
 * Runs until SIGTERM or SIGINT, then drains the workers (a second signal, or
 * the deadline, kills them). Returns the number of workers that had to be
 * killed at the end, or -1 when the first crew could not be started.
 */
int prefork_run(
    const struct prefork_setup *setup, const struct prefork_plan *plan);

/* Worker: ready for requests. */
void prefork_ready(struct shm *shm, const struct prefork_role *role);

/* Worker, when told to drain: does another one of its pool go on? */
bool prefork_has_heirs(const struct shm *shm, const struct prefork_role *role);

#endif
