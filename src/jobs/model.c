/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model of this host: one file that all workers map, which is updated here
 * when a model is published. Workers detect a new file themselves; their
 * mapping stays valid if the file is replaced or deleted. Only writing into the
 * file invalidates it, until it has been fetched again.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "jobs/jobs.h"
#include "recommend/publish.h"

#define SLICE_MS \
	1000 /* delay until a signal or a change of the file is noticed */
#define SLICE_US  (INT64_C(1000) * SLICE_MS)
#define ROUND_US  INT64_C(30000000)
#define REFUSE_US INT64_C(600000000) /* when a corrupt model is tried again */

/* The state between two checks. */
struct watch {
	struct stat seen; /* of the file that was last read, valid or not */
	bool looked;
	bool sound;
	struct stamp stamp; /* of the valid one */
	uint32_t items;
	bool reported;  /* it was logged that this one is in force */
	int64_t refuse; /* id of the corrupt model in the database; 0: none */
	int64_t refuse_until;
	char *logged; /* the last logged failure */
};

/* Whether the file has changed since look_in_place(); a missing one may stay
 * missing. */
static bool
is_changed(const struct watch *w, const char *path)
{
	struct stat now;

	if (stat(path, &now) != 0)
		return w->looked;
	return !w->looked || !file_is_same(&now, &w->seen);
}

/* Reads the file if it has changed. */
static void
look_in_place(struct watch *w, TALLOC_CTX *mem, const char *path)
{
	const struct model *model;
	struct stat now;
	const char *why;
	enum err e;

	if (stat(path, &now) != 0) {
		w->looked = w->sound = w->reported = false;
		return;
	}
	if (w->looked && file_is_same(&now, &w->seen))
		return;
	w->seen = now;
	w->looked = true;
	w->reported = false;
	e = model_file_map(mem, path, &model, &w->stamp, &why);
	w->sound = !e;
	if (w->sound)
		w->items = model->items;
	else if (e != ERR_NOT_FOUND)
		log_event(LOG_LEVEL_WARNING, EVENT_MODEL_REFUSED, "%s: %s",
		    path, why);
}

static bool
is_in_place(const struct watch *w, const struct published *p)
{
	return w->sound && publish_is(p, &w->stamp);
}

static void
report(struct watch *w, const struct published *p)
{
	char age[CLOCK_AGE_SIZE], quality[64] = "quality not known";

	if (w->reported)
		return;
	w->reported = true;
	clock_age(age, clock_now_us() / 1000000 - w->stamp.trained_at);
	if (p->ndcg >= 0)
		snprintf(quality, sizeof quality,
		    "NDCG@100 %.4f on held-out ratings", p->ndcg);
	log_field("MXM_MODEL_VERSION", "%" PRIu64, w->stamp.version);
	log_event(LOG_LEVEL_INFO, EVENT_MODEL_LOADED,
	    "model %" PRIu64 " is in force: %" PRIu32 " movie%s, %s old, %s",
	    w->stamp.version, w->items, PLURAL(w->items), age, quality);
}

/* The same reason is logged once. */
static void
log_failure(struct watch *w, const struct published *p, const char *why)
{
	char *line =
	    mem_printf(w, "model %" PRIu64 " cannot be fetched: %s; %s",
		p->stamp.version, why,
		w->sound ? "going on with the one before it" :
			   "there is none to go on with");

	if (!w->logged || strcmp(w->logged, line) != 0)
		log_event(LOG_LEVEL_ERROR, EVENT_MODEL_REFUSED, "%s", line);
	talloc_free(w->logged);
	w->logged = line;
}

static enum err
fetch(
    struct jobs *j, struct watch *w, TALLOC_CTX *mem, const struct published *p)
{
	const char *why;
	enum err e = publish_fetch(mem, j->db, p, j->conf->model_file, &why);

	if (e == ERR_NOT_FOUND) /* replaced by another one: at the next check */
		return ERR_UNAVAILABLE;
	if (e == ERR_INVALID) {
		w->refuse = p->id;
		w->refuse_until = clock_steady_us() + REFUSE_US;
	}
	if (e && !*j->stop)
		log_failure(w, p, why);
	if (e)
		return e == ERR_INVALID ? ERR_OK : e;
	talloc_free(w->logged);
	w->logged = NULL;
	look_in_place(w, mem, j->conf->model_file);
	/* written into meanwhile: soon again */
	return is_in_place(w, p) ? ERR_OK : ERR_UNAVAILABLE;
}

static enum err
look(struct jobs *j, struct watch *w, TALLOC_CTX *mem)
{
	struct published p;
	enum err e;

	look_in_place(w, mem, j->conf->model_file);
	e = publish_newest(mem, j->db, &p);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!is_in_place(w, &p) &&
	    (p.id != w->refuse || clock_steady_us() >= w->refuse_until))
		e = fetch(j, w, mem, &p);
	if (!e && is_in_place(w, &p))
		report(w, &p);
	return e;
}

static enum err
look_once(struct jobs *j, struct watch *w)
{
	TALLOC_CTX *mem = mem_request(j);
	enum err e = look(j, w, mem);

	talloc_free(mem);
	return e;
}

enum err
model_round(struct jobs *j)
{
	struct watch *w = mem_new(j, struct watch);
	enum err e = look_once(j, w);

	talloc_free(w);
	return e;
}

/*
 * Waits for a notification, a change of the file, or half a minute. A wait that
 * ends before its slice was interrupted by a notification; one that arrives at
 * the very end of a slice is noticed after half a minute.
 */
static enum err
wait_for_news(struct jobs *j, const struct watch *w)
{
	int64_t until = clock_steady_us() + ROUND_US, began, now;
	enum err e;

	do {
		began = clock_steady_us();
		e = db_wait(j->db, SLICE_MS);
		now = clock_steady_us();
	} while (!e && !*j->stop && now - began >= SLICE_US && now < until &&
		 !is_changed(w, j->conf->model_file));
	return e;
}

void
model_run(struct jobs *j)
{
	struct watch *w = mem_new(j, struct watch);

	db_interrupt(j->db, j->stop);
	/* no connection yet: the next one listens */
	(void)db_listen(j->db, "model");
	while (!*j->stop) {
		enum err e = look_once(j, w);

		if (e == ERR_OK && !*j->stop)
			e = wait_for_news(j, w);
		jobs_rest(j, e);
	}
}
