/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker process: its connections and the FastCGI loop.
 */
#ifndef WORKER_H
#define WORKER_H

#include "base/base.h"

#include "base/conf.h"
#include "base/shm.h"
#include "prefork.h"

/* Serves until SIGTERM, drains, and exits. */
_Noreturn void worker_run(
    const struct prefork_role *role, const struct conf *conf, struct shm *shm);

#endif
