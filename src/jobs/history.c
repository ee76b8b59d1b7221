/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job history: imports the file that a user has uploaded. The file is deleted
 * with the end of the import; a trigger of table job does so if the job fails.
 * The progress is stored by another connection, because the import is one
 * transaction. The rows of table history are those of this job: one that the
 * user has replaced meanwhile, or deleted with the account, rolls back.
 */
#include "base/base.h"

#include "base/conf.h"
#include "db/query.h"
#include "import/history.h"
#include "jobs/jobs.h"

#define TIMEOUT_MS 60000 /* a statement of the import */
#define STEP       2     /* percent */

struct state {
	struct job *job;
	int shown;
	bool replaced;
};

/* Called for the records, and between statements. */
static void
store_progress(struct history_import *h, int percent)
{
	struct state *state = h->arg;
	struct job *job = state->job;

	if (percent < state->shown + STEP)
		return;
	state->shown = percent;
	jobs_renew(job);
	/* The import goes on without it. */
	(void)query_exec(job->mem, job->in->db, NULL, SQL_history_progress,
	    arg_id(job->id), arg_int(percent));
}

/* The user is informed of a file that cannot be used; the job is done. */
static enum err
store_end(struct history_import *h)
{
	struct state *state = h->arg;
	long rows = 0;
	enum err e;

	e = query_exec(h->mem, h->db, &rows, SQL_history_finish,
	    arg_id(state->job->id), arg_text(h->failure ? NULL : h->json),
	    arg_text(h->failure), arg_text(h->failure ? h->why : NULL));
	state->replaced = !e && rows == 0;
	return state->replaced ? ERR_CONFLICT : e;
}

enum err
history_job(struct job *job)
{
	struct state state = { .job = job };
	struct history_import h = {
		.db = db_new(job->mem, job->in->conf->database, TIMEOUT_MS),
		.mem = job->mem,
		.stop = job->in->stop,
		.progress = store_progress,
		.finish = store_end,
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
		e = store_end(&h);
	if (state.replaced)
		return ERR_OK;
	job->why =
	    e == ERR_INTERNAL ? "the database refused a statement" : job->why;
	return e;
}
