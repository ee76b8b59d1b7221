/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds translations, asks mxm-jobs for the missing ones, and waits. Only some
 * processes of the slow pool wait at the same time; the others answer with the
 * original, so that log-ins are served while the provider is slow.
 */
#include "base/base.h"

#include "api/await.h"
#include "api/run.h"
#include "api/translate.h"
#include "auth/account.h"
#include "base/conf.h"
#include "base/shm.h"
#include "base/text.h"
#include "db/query.h"
#include "http/reply.h"

#define TEXTS_MAX 8
#define GRACE_MS  500 /* beyond the timeout of the provider */

struct task {
	struct req *r;
	const char *list[TEXTS_MAX]; /* to be translated */
	size_t place[TEXTS_MAX];     /* of each in the caller's array */
	size_t n;
	struct rows found; /* of translation_find */
};

static enum err
find(struct task *t)
{
	return query_all(t->r->mem, t->r->db, &t->found, SQL_translation_find,
	    arg_text_array(t->list, t->n), arg_text(lang_code(t->r->lang)));
}

/* Whether texts have no translation; *unasked: some are in no job. */
static bool
is_missing(const struct task *t, bool *unasked)
{
	bool missing = false;

	*unasked = false;
	for (int i = 0; i < t->found.count; i++) {
		struct row row;

		rows_at(&t->found, i, &row);
		if (!row_is_null(&row, "text"))
			continue;
		missing = true;
		*unasked |= row_is_null(&row, "job_id");
	}
	return missing;
}

static enum err
ask(struct task *t, int64_t author)
{
	struct req *r = t->r;
	enum err e;

	e = query_exec(r->mem, r->db, NULL, SQL_translation_ask,
	    arg_text_array(t->list, t->n), arg_text(lang_code(r->lang)),
	    arg_id(author), arg_id(r->account->id),
	    arg_id(r->conf->translate_quota), arg_traceparent(r));
	return e ? e : find(t);
}

/* Waits for the jobs of the missing texts; each at most once. */
static enum err
wait_for_jobs(struct task *t)
{
	int64_t budget = t->r->conf->translate_timeout + GRACE_MS, last = 0;

	for (int i = 0; i < t->found.count; i++) {
		struct row row, job;
		int64_t job_id, left;
		enum err e;

		rows_at(&t->found, i, &row);
		if (!row_is_null(&row, "text") || row_is_null(&row, "job_id"))
			continue;
		job_id = row_id(&row, "job_id");
		left = budget - row_id(&row, "age_ms");
		if (job_id == last || left <= 0)
			continue;
		last = job_id;
		e = await_job(t->r, job_id, left, &job);
		if (e && e != ERR_NOT_FOUND && e != ERR_UPSTREAM)
			return e;
	}
	return ERR_OK;
}

/* Waits if there is a place. */
static enum err
wait_in_turn(struct task *t)
{
	struct shm *shm = t->r->shm;
	int place = shm ? shm_turn_take(shm, SHM_TURN_AWAIT, 0) : 0;
	enum err e;

	if (place < 0)
		return ERR_OK;
	e = wait_for_jobs(t);
	if (shm)
		shm_turn_give(shm, SHM_TURN_AWAIT, place);
	return e ? e : find(t);
}

/* Replaces texts by their translations. */
static enum err
translate(struct req *r, int64_t author, const char **texts, size_t n)
{
	struct task t = { .r = r };
	bool unasked;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		if (!texts[i] || text_is_blank(texts[i]))
			continue;
		t.place[t.n] = i;
		t.list[t.n++] = texts[i];
	}
	if (t.n == 0)
		return ERR_OK;
	r->answer.no_store = !*r->conf->translate_key;
	if (r->answer.no_store)
		return ERR_OK;
	e = find(&t);
	if (!e && is_missing(&t, &unasked) && unasked)
		e = ask(&t, author);
	if (!e && is_missing(&t, &unasked))
		e = wait_in_turn(&t);
	if (e)
		return e;
	for (int i = 0; i < t.found.count; i++) {
		struct row row;

		rows_at(&t.found, i, &row);
		if (row_is_null(&row, "text"))
			r->answer.no_store = true;
		else
			texts[t.place[i]] = row_text(&row, "text");
	}
	return ERR_OK;
}

enum err
reply_translated(struct req *r, enum stmt s, const char *const *columns)
{
	const char *texts[TEXTS_MAX];
	struct json *j;
	struct row row;
	size_t n;
	enum err e;

	e = run_one(r, s, &row);
	if (e)
		return e;
	for (n = 0; columns[n]; n++) {
		assert(n < TEXTS_MAX);
		texts[n] = row_is_null(&row, columns[n]) ?
			       NULL :
			       row_text(&row, columns[n]);
	}
	e = translate(r, row_id(&row, "author"), texts, n);
	if (e)
		return e;
	j = reply_json(r, 200);
	json_object(j);
	for (size_t i = 0; i < n; i++) {
		json_key(j, columns[i]);
		if (texts[i])
			json_text(j, text_markup_guard(r->mem, texts[i]));
		else
			json_null(j);
	}
	json_object_end(j);
	return reply_done(r, j);
}
