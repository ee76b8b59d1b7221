/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the settings mean on a host: processes, and the memory, tasks and
 * database connections that they need at most.
 */
#ifndef BASE_PLAN_H
#define BASE_PLAN_H

#include "base/base.h"

struct conf;

#define PLAN_SLOW_MIN 4 /* processes of the slow pool by default */

struct plan {
	int fast, slow; /* processes of the pools of mxmd */
	int hashing;    /* passwords that are hashed at the same time */
};

/* Cores that this process may use. */
int plan_cores(void);

/* The settings, and where they are 0 the defaults for so many cores. */
void plan_make(const struct conf *conf, int cores, struct plan *out);

/*
 * Limits for mxmd.service: bytes, if every slow worker decodes a picture of
 * `image_memory` bytes at the same time, and tasks.
 */
uint64_t plan_memory(const struct plan *plan, size_t image_memory);
int plan_tasks(const struct plan *plan);

/*
 * Database connections of a host. During a reload the old and the new processes
 * are connected.
 */
int plan_connections(const struct plan *plan);

#endif
