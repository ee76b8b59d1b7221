/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a job is notified on channel job_finished by a trigger of table
 * job, for all jobs; the row is read again after each notification.
 */
#include "base/base.h"

#include "api/await.h"
#include "base/clock.h"
#include "db/query.h"

/* The row is read at least so often. */
#define SLICE_MS 1000

/* Before the wait, LISTEN must have been done: no notification is missed. */
static enum err
wait_listening(struct req *r, int64_t job_id, int64_t wait_ms, struct row *out)
{
	int64_t until = clock_steady_us() + wait_ms * 1000, left;
	enum err e;

	for (;;) {
		e = query_one(
		    r->mem, r->db, out, SQL_job_result, arg_id(job_id));
		if (e || row_bool(out, "finished"))
			return e;
		left = (until - clock_steady_us() + 999) / 1000;
		if (left <= 0)
			return ERR_UPSTREAM;
		e = db_wait(r->db, left < SLICE_MS ? (int)left : SLICE_MS);
		if (e)
			return e;
	}
}

enum err
await_job(struct req *r, int64_t job_id, int64_t wait_ms, struct row *out)
{
	enum err e;

	e = db_ready(r->db);
	if (!e)
		e = db_listen(r->db, "job_finished");
	if (!e)
		e = wait_listening(r, job_id, wait_ms, out);
	db_unlisten(r->db);
	return e;
}
