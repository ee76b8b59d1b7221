/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Claims and runs jobs and stores their results. A job is claimed with a lease
 * in its own transaction, and run and finished outside of it. If the process
 * dies, the lease expires and the job is due again. A process that is too slow
 * cannot finish a job that another one has claimed since, because the number of
 * the attempt is checked.
 */
#include "base/base.h"

#include <poll.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "cache/cache.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define POLL_MS      1000
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 4000
/* More than twice the time of any handler, or of its calls of jobs_renew(). */
#define LEASE_SECONDS  120
#define REAP_US        INT64_C(5000000)
#define SCHEDULE_US    INT64_C(60000000)
#define DELAY_FIRST    10 /* seconds; multiplied by four each time */
#define DELAY_MOST     3600
#define FINISH_SECONDS 60 /* how long storing a result is retried */

static const struct {
	const char *name;
	job_handler *handle;
	int most;
	int period;
	enum jobs_group group;
} kinds[] = {
#define JOB(NAME, HANDLER, MOST, PERIOD) \
	{ #NAME, HANDLER, MOST, PERIOD, JOBS_LATER },
#define JOB_AWAITED(NAME, HANDLER)    { #NAME, HANDLER, 1, 0, JOBS_AWAITED },
#define JOB_LONG(NAME, HANDLER, MOST) { #NAME, HANDLER, MOST, 0, JOBS_LONG },
#include "jobs.def"
#undef JOB
#undef JOB_AWAITED
#undef JOB_LONG
};

void
jobs_renew(struct job *job)
{
	/* If that fails, the next call may not. */
	(void)query_exec(job->mem, job->in->db, NULL, SQL_job_renew,
	    arg_id(job->id), arg_int(job->attempts), arg_int(LEASE_SECONDS));
}

struct jobs *
jobs_new(
    TALLOC_CTX *mem, const struct conf *conf, const volatile sig_atomic_t *stop)
{
	struct jobs *j = mem_new(mem, struct jobs);

	j->mem = mem;
	j->conf = conf;
	j->stop = stop;
	j->db = db_new(j, conf->database, conf->statement_timeout);
	j->cache = cache_new(j, conf->cache_servers);
	return j;
}

void
jobs_rest(struct jobs *j, enum err e)
{
	if (e == ERR_OK) {
		j->pause_ms = 0;
		return;
	}
	j->pause_ms = j->pause_ms ? 2 * j->pause_ms : PAUSE_MIN_MS;
	if (j->pause_ms > PAUSE_MAX_MS)
		j->pause_ms = PAUSE_MAX_MS;
	if (!*j->stop)
		(void)poll(NULL, 0, j->pause_ms);
}

static job_handler *
handler_of(const char *name, int *period)
{
	size_t i;

	for (i = 0; i < array_len(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*period = kinds[i].period;
			return kinds[i].handle;
		}
	}
	return NULL;
}

/* Queues periodic jobs, one row per period; checked once a minute. */
static enum err
schedule(struct jobs *j, TALLOC_CTX *mem)
{
	int64_t now = clock_steady_us();
	enum err e;
	size_t i;

	if (j->group == JOBS_AWAITED || j->group == JOBS_LONG ||
	    (j->schedule_at && now < j->schedule_at))
		return ERR_OK;
	for (i = 0; i < array_len(kinds); i++) {
		if (kinds[i].period == 0)
			continue;
		e = query_exec(mem, j->db, NULL, SQL_job_schedule,
		    arg_text(kinds[i].name), arg_int(kinds[i].period));
		if (e)
			return e;
	}
	j->schedule_at = now + SCHEDULE_US;
	return ERR_OK;
}

static enum err
reap(struct jobs *j, TALLOC_CTX *mem)
{
	int64_t now = clock_steady_us();
	long n = 0;
	enum err e;

	if (j->reap_at && now < j->reap_at)
		return ERR_OK;
	e = query_exec(mem, j->db, &n, SQL_job_reap, NO_ARGS);
	if (e)
		return e;
	if (n > 0)
		log_warn("jobs: %ld whose worker died", n);
	j->reap_at = now + REAP_US;
	return ERR_OK;
}

static bool
in_group(enum jobs_group group, size_t i)
{
	return group == JOBS_ALL || group == kinds[i].group ||
	       (group == JOBS_PERIODIC && kinds[i].period > 0);
}

/* ERR_NOT_FOUND: nothing is due. */
static enum err
claim(struct jobs *j, TALLOC_CTX *mem, struct job *job)
{
	const char *names[array_len(kinds)];
	int64_t most[array_len(kinds)];
	struct row row;
	enum err e;
	size_t i, n = 0;

	for (i = 0; i < array_len(kinds); i++) {
		if (!in_group(j->group, i))
			continue;
		names[n] = kinds[i].name;
		most[n] = kinds[i].most;
		n++;
	}
	e = query_one(mem, j->db, &row, SQL_job_claim, arg_text_array(names, n),
	    arg_int_array(most, n), arg_int(LEASE_SECONDS));
	if (e)
		return e;
	*job = (struct job){
		.mem = mem,
		.in = j,
		.id = row_id(&row, "id"),
		.name = row_text(&row, "name"),
		.attempts = row_int(&row, "attempts"),
		.max_attempts = row_int(&row, "max_attempts"),
		.trace = row_is_null(&row, "traceparent") ?
			     NULL :
			     row_text(&row, "traceparent"),
		.why = "",
	};
	return ERR_OK;
}

/* Seconds until the next attempt, with a random deviation of a tenth. */
static int
delay_after(int attempts)
{
	int delay = DELAY_FIRST;

	while (--attempts > 0 && delay < DELAY_MOST)
		delay *= 4;
	if (delay > DELAY_MOST)
		delay = DELAY_MOST;
	return delay - delay / 10 + (int)random_below((uint32_t)delay / 5 + 1);
}

static enum err
note_once(const struct job *job, enum err how, int delay)
{
	struct db *db = job->in->db;

	if (how == ERR_OK)
		return query_exec(job->mem, db, NULL, SQL_job_done,
		    arg_id(job->id), arg_int(job->attempts),
		    job->result ? arg_text(job->result) : arg_null());
	if (delay == 0)
		return query_exec(job->mem, db, NULL, SQL_job_given_up,
		    arg_id(job->id), arg_int(job->attempts),
		    arg_text(job->why));
	return query_exec(job->mem, db, NULL, SQL_job_again, arg_id(job->id),
	    arg_int(job->attempts), arg_int(delay), arg_text(job->why));
}

/*
 * Stores the result of a job. Retried for some time while the database is
 * unavailable, because otherwise the job would be run again.
 */
static void
note(const struct job *job, enum err how, int delay)
{
	int64_t until = clock_steady_us() + FINISH_SECONDS * INT64_C(1000000);
	enum err e;

	while ((e = note_once(job, how, delay)) == ERR_UNAVAILABLE &&
	       clock_steady_us() < until && !*job->in->stop)
		jobs_rest(job->in, e);
	if (e)
		log_error("job %" PRId64 " %s: cannot store its result",
		    job->id, job->name);
}

static void
run(struct job *job)
{
	int64_t began = clock_steady_us();
	int period = 0, delay;
	job_handler *handle = handler_of(job->name, &period);
	enum err e;

	assert(handle);
	if (job->attempts > job->max_attempts) {
		job->why = "its worker died at every attempt";
		e = ERR_INVALID;
	} else {
		e = handle(job);
	}
	if (e == ERR_OK) {
		log_info("job %" PRId64 " %s: done in %d ms", job->id,
		    job->name, (int)((clock_steady_us() - began) / 1000));
		note(job, e, 0);
		return;
	}
	if (!*job->why)
		job->why = err_slug(e);
	delay = e == ERR_INVALID || job->attempts >= job->max_attempts ?
		    0 :
		    delay_after(job->attempts);
	log_field("MXM_JOB_ID", "%" PRId64, job->id);
	log_field("MXM_JOB_NAME", "%s", job->name);
	if (delay > 0)
		log_warn("job %" PRId64 " %s: attempt %d failed: %s; again in "
			 "%d s",
		    job->id, job->name, job->attempts, job->why, delay);
	else
		log_event(LOG_LEVEL_ERROR, EVENT_JOB_GIVEN_UP,
		    "job %" PRId64 " %s: given up after attempt %d: %s",
		    job->id, job->name, job->attempts, job->why);
	note(job, e, delay);
}

enum err
jobs_round(struct jobs *j)
{
	struct job job;
	enum err e;

	do {
		TALLOC_CTX *mem = mem_request(j);

		e = schedule(j, mem);
		if (e == ERR_OK)
			e = reap(j, mem);
		if (e == ERR_OK)
			e = claim(j, mem, &job);
		if (e == ERR_OK)
			run(&job);
		talloc_free(mem);
	} while (e == ERR_OK && !*j->stop);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void
jobs_run(struct jobs *j)
{
	/* no connection yet: the next one listens */
	(void)db_listen(j->db, "job");
	while (!*j->stop) {
		enum err e = jobs_round(j);

		if (e == ERR_OK && !*j->stop)
			e = db_wait(j->db, POLL_MS);
		jobs_rest(j, e);
	}
}
