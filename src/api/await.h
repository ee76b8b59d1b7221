/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request that waits for a job of mxm-jobs, because workers have no network:
 * the handler inserts the row of a JOB_AWAITED (jobs.def), which starts at
 * once, and waits for its end outside of any transaction. For routes of the
 * slow pool.
 */
#ifndef API_AWAIT_H
#define API_AWAIT_H

#include "base/base.h"

#include "db/row.h"
#include "http/request.h"

/*
 * Waits until the job has finished, at most `wait_ms` milliseconds. ERR_OK:
 * column `done` of *out is whether it succeeded, `result` is the JSON that its
 * handler has set (NULL: none). ERR_UPSTREAM: it has not finished in time; it
 * goes on, and its result may be used later. ERR_NOT_FOUND: there is no such
 * job. ERR_UNAVAILABLE, ERR_INTERNAL: of the database. Adds no error to the
 * request.
 */
enum err await_job(
    struct req *r, int64_t job_id, int64_t wait_ms, struct row *out);

#endif
