/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One worker: its own connections, and the FastCGI loop until it is told to go.
 */
#ifndef WORKER_H
#define WORKER_H

#include "base/base.h"

#include "base/conf.h"
#include "base/shm.h"
#include "prefork.h"

/* Serves until SIGTERM, drains, and ends the process. */
_Noreturn void worker_run(
    const struct prefork_role *role, const struct conf *conf, struct shm *shm);

#endif
