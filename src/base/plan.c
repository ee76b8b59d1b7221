/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the settings mean on a host.
 */
#include "base/base.h"

#include <sched.h>

#include "base/conf.h"
#include "base/plan.h"

#define MIB              (UINT64_C(1) << 20)
#define MASTER_MEMORY    (256 * MIB) /* the master, shared memory, the model */
#define WORKER_MEMORY    (64 * MIB)  /* of one worker */
#define HASH_MEMORY      (19 * MIB)  /* of one password (setting hash_places) */
#define MASTER_TASKS     16          /* beside the workers */
#define SLOW_TASKS       3           /* a worker, mxm-image and its thread */
#define JOBS_CONNECTIONS 8 /* of mxm-jobs: its roles, and of an import */

int
plan_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	return CPU_COUNT(&set);
}

void
plan_make(const struct conf *conf, int cores, struct plan *out)
{
	int slow = 2 * cores < PLAN_SLOW_MIN ? PLAN_SLOW_MIN : 2 * cores;

	out->fast = conf->workers > 0 ? conf->workers : 2 * cores;
	out->slow = conf->slow_workers > 0 ? conf->slow_workers : slow;
	out->hashing = conf->hash_places > 0 ? conf->hash_places : cores;
}

uint64_t
plan_memory(const struct plan *plan, size_t image_memory)
{
	return MASTER_MEMORY +
	       (uint64_t)(plan->fast + plan->slow) * WORKER_MEMORY +
	       (uint64_t)plan->hashing * HASH_MEMORY +
	       (uint64_t)plan->slow * image_memory;
}

int
plan_tasks(const struct plan *plan)
{
	return MASTER_TASKS + plan->fast + SLOW_TASKS * plan->slow;
}

int
plan_connections(const struct plan *plan)
{
	return 2 * (plan->fast + plan->slow + JOBS_CONNECTIONS);
}
