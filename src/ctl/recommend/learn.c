/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Learning: choosing the settings, training, ranking.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "ctl/recommend/recommend.h"
#include "db/query.h"
#include "recommend/rank.h"

#define KEEPALIVE_US INT64_C(30000000)
#define SHARES       1000 /* progress units of a step without a count */

bool
recommend_wants_order(const struct task *t)
{
	for (size_t i = 0; i < t->options.n_sets; i++) {
		if (fit_sets_order(t->options.sets[i]))
			return false;
	}
	if (t->ctl->conf && fit_sets_order(t->ctl->conf->recommend_tuning))
		return false;
	return !t->options.as_is;
}

int
recommend_apply_tuning(struct task *t)
{
	const struct conf *conf = t->ctl->conf;
	const char *place = conf->source[CONF_ID_recommend_tuning];
	const char *why;

	fit_defaults(&t->fit.options);
	why = fit_set_all(t->mem, &t->fit.options, conf->recommend_tuning);
	if (why) {
		ctl_error(t->ctl, "%s: recommend_tuning: %s\n",
		    place ? place : conf->file, why);
		return EX_CONFIG;
	}
	for (size_t i = 0; i < t->options.n_sets; i++) {
		why = fit_set(t->mem, &t->fit.options, t->options.sets[i]);
		assert(!why);
	}
	return EX_OK;
}

/* ---------------------------------------------------------------- learning */

/*
 * A firewall may drop a connection that is idle for long. Whether it is still
 * the same one is checked before anything is published.
 */
static void
keep_alive(struct task *t)
{
	int64_t now = clock_steady_us();
	struct row row;

	if (!t->db || now < t->db_used_us + KEEPALIVE_US || ctl_stop)
		return;
	t->db_used_us = now;
	if (query_one(t->mem, t->db, &row, SQL_train_locked, NO_ARGS))
		progress_clear(&t->step.progress);
}

static void
report_trial(void *report_arg, const char *tried, double quality, bool kept)
{
	struct task *t = report_arg;

	progress_clear(&t->step.progress);
	if (!t->options.quiet)
		fprintf(stderr, "%.4f %s%s\n", quality,
		    *tried ? tried : "current settings",
		    *tried && kept ? ": better" : "");
}

static void
report_share(void *report_arg, double share)
{
	struct task *t = report_arg;

	progress_at(&t->step.progress, (int64_t)(share * SHARES));
	keep_alive(t);
}

/* Begins a step that compares settings by the ratings of the task. */
static struct tune
begin_tuning(struct task *t, const char *what)
{
	t->fit.options.als.stop = t->fit.options.near.stop = &ctl_stop;
	recommend_step(t, SHARES, "%s", what);
	return (struct tune){ .triples = t->data.table.triples,
		.users = t->data.table.users.n,
		.items = t->data.table.items.n,
		.report_share = report_share,
		.report_arg = t };
}

static int
search_settings(struct task *t)
{
	struct tune tune = begin_tuning(t, "tuning");
	int status;
	enum err e;

	tune.report = report_trial;
	e = tune_settings(&tune, &t->fit.options);
	if (recommend_ended(t, e, &status))
		return status;
	ctl_error(t->ctl, "%s%s%s\n", t->options.train ? t->options.train : "",
	    t->options.train ? ": " : "",
	    e == ERR_NOT_FOUND ?
		"no user has 4 stars or more among the last ratings, so "
		"nothing can be tuned by" :
		"training diverged (NaN)");
	return EX_DATAERR;
}

static void
report_iteration(void *report_arg, unsigned iteration, double loss)
{
	struct task *t = report_arg;

	snprintf(t->step.text, sizeof t->step.text, "%s, loss %.6g",
	    t->step.stage, loss);
	progress_at(&t->step.progress, iteration);
	keep_alive(t);
}

/* The first call ends the step of the factors. */
static void
report_near(void *report_arg, size_t done, size_t items)
{
	struct task *t = report_arg;

	if (done == 0) {
		progress_end(&t->step.progress);
		recommend_step(
		    t, (int64_t)items, "%s, finding neighbours", t->step.stage);
	}
	progress_at(&t->step.progress, (int64_t)done);
	keep_alive(t);
}

static void
report_order(const struct task *t)
{
	const struct tune_order *o = &t->fit.order;

	if (t->options.quiet || !o->tested)
		return;
	fprintf(stderr,
	    "NDCG@100 %.4f with the order of ratings, %.4f without: it is "
	    "%s\n",
	    o->with, o->without, o->ignored ? "ignored" : "used");
}

static int
test_order(struct task *t)
{
	const struct tune tune =
	    begin_tuning(t, "testing whether the order of ratings matters");

	if (tune_order(&tune, &t->fit.options, &t->fit.order))
		return recommend_interrupted(t);
	progress_end(&t->step.progress);
	report_order(t);
	return EX_OK;
}

int
recommend_choose_settings(struct task *t)
{
	if (t->options.tune)
		return search_settings(t);
	return recommend_wants_order(t) ? test_order(t) : EX_OK;
}

void
recommend_order_json(struct json *j, const struct tune_order *o)
{
	json_key(j, "order");
	json_object(j);
	json_key(j, "used");
	json_bool(j, !o->ignored);
	if (o->tested) {
		json_key(j, "with");
		json_double(j, o->with);
		json_key(j, "without");
		json_double(j, o->without);
	}
	json_object_end(j);
}

void
recommend_matrix(struct task *t)
{
	t->data.by_user = matrix_new(t->mem, t->data.table.triples,
	    t->data.table.users.n, t->data.table.items.n);
	talloc_free(t->data.table.triples);
	t->data.table.triples = NULL;
}

int
recommend_learn(
    struct task *t, const char *what, struct sparse *m, struct model **model)
{
	int64_t began = clock_steady_us();
	int status;
	enum err e;

	t->step.stage = what;
	t->fit.options.als.stop = t->fit.options.near.stop = &ctl_stop;
	t->fit.options.als.report = report_iteration;
	t->fit.options.near.report = report_near;
	t->fit.options.als.report_arg = t->fit.options.near.report_arg = t;
	recommend_step(t, (int64_t)t->fit.options.als.iterations, "%s", what);
	e = fit_model(t->mem, m, &t->fit.options, model, &t->fit.loss);
	t->fit.seconds = (double)(clock_steady_us() - began) / 1e6;
	if (recommend_ended(t, e, &status))
		return status;
	ctl_error(t->ctl, "training diverged (NaN); ratings or settings "
			  "are out of range\n");
	return EX_DATAERR;
}

static void
report_users(void *report_arg, size_t done)
{
	struct task *t = report_arg;

	progress_at(&t->step.progress, (int64_t)done);
	keep_alive(t);
}

int
recommend_lists(struct task *t, const struct model *model,
    const struct sparse *by_user, const bool *only, uint32_t **lists)
{
	struct rank_options o = { .top = (size_t)t->options.top,
		.only = only,
		.threads = t->fit.options.als.threads,
		.stop = &ctl_stop,
		.report = report_users,
		.report_arg = t };
	enum err e;

	recommend_step(t, (int64_t)by_user->rows, "ranking");
	e = model ? rank_all(t->mem, model, by_user, &o, lists) :
		    rank_popular(t->mem, by_user, &o, lists);
	if (e)
		return recommend_interrupted(t);
	progress_end(&t->step.progress);
	return EX_OK;
}
