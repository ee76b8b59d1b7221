/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job history: imports the file that a user has uploaded. The file is deleted
 * with the end of the import; a trigger of table job does so if the job fails.
 * The progress is stored by another connection, because the import is one
 * transaction.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/conf.h"
#include "db/query.h"
#include "import/history.h"
#include "jobs/jobs.h"

#define TIMEOUT_MS 60000             /* a statement of the import */
#define STEP       5                 /* percent */
#define RENEW_US   INT64_C(10000000) /* between renewals of the lease */

struct state {
	struct job *job;
	int shown;
	int64_t renewed;
};

static void
store_progress(struct history_import *h, int percent)
{
	struct state *state = h->arg;
	struct job *job = state->job;
	int64_t now = clock_steady_us();

	if (now - state->renewed > RENEW_US) {
		state->renewed = now;
		jobs_renew(job);
	}
	if (percent < state->shown + STEP)
		return;
	state->shown = percent;
	/* The import goes on without it. */
	(void)query_exec(job->mem, job->in->db, NULL, SQL_history_progress,
	    arg_id(h->user_id), arg_int(percent));
}

static enum err
store_report(struct history_import *h)
{
	return query_exec(h->mem, h->db, NULL, SQL_history_finish,
	    arg_id(h->user_id), arg_text(h->json), arg_null(), arg_null());
}

/* The user is informed of a file that cannot be used; the job is done. */
static enum err
store_failure(const struct history_import *h)
{
	return query_exec(h->mem, h->db, NULL, SQL_history_finish,
	    arg_id(h->user_id), arg_null(), arg_text(h->failure),
	    arg_text(h->why));
}

enum err
history_job(struct job *job)
{
	struct state state = { .job = job, .renewed = clock_steady_us() };
	struct history_import h = {
		.db = db_new(job->mem, job->in->conf->database, TIMEOUT_MS),
		.mem = job->mem,
		.stop = job->in->stop,
		.progress = store_progress,
		.finish = store_report,
		.arg = &state,
	};
	struct row row;
	enum err e;

	e = query_one(
	    job->mem, job->in->db, &row, SQL_history_take, arg_id(job->id));
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e)
		return e;
	h.user_id = row_id(&row, "user_id");
	h.name = row_text(&row, "name");
	if (!*h.name)
		h.name = "file";
	h.dry_run = row_bool(&row, "dry_run");
	h.replace = row_bool(&row, "replace");
	h.data = row_bytes(job->mem, &row, "file", &h.len);
	e = history_import(&h);
	if (e && h.failure)
		return store_failure(&h);
	job->why =
	    e == ERR_INTERNAL ? "the database refused a statement" : job->why;
	return e;
}
