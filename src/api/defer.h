/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work for later: a row in table `job`, in the same transaction as the change.
 * Statements that change something insert their job themselves (a CTE); this
 * is for handlers that only queue.
 */
#ifndef API_DEFER_H
#define API_DEFER_H

#include "base/base.h"

#include "http/request.h"

/* Queues job `name` (jobs.def) with a JSON object as payload. */
enum err defer_job(struct req *r, const char *name, const char *payload);

#endif
