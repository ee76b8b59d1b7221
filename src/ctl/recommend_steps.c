/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps that several subcommands of mxmctl recommend take.
 */
#include "base/base.h"

#include <stdarg.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/json.h"
#include "ctl/recommend.h"
#include "recommend/rank.h"

int
recommend_interrupted(struct task *t)
{
	progress_clear(&t->progress);
	fputs("mxmctl recommend: interrupted; nothing was written\n", stderr);
	return 128 + recommend_stop;
}

int
recommend_away(struct task *t)
{
	if (recommend_stop)
		return recommend_interrupted(t);
	progress_clear(&t->progress);
	fprintf(stderr, "mxmctl recommend: %s\n", db_complaint(t->db));
	return EX_UNAVAILABLE;
}

void
recommend_step(struct task *t, int64_t total, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->step, sizeof t->step, fmt, ap);
	va_end(ap);
	progress_begin(&t->progress, t->step, total);
}

int
recommend_read(struct task *t, const char *path, struct table *out)
{
	struct fault fault;
	enum err e;

	recommend_step(t, 0, "reading %.60s", path);
	e = table_read(t->mem, path, &recommend_stop, out, &fault);
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	if (recommend_stop)
		return recommend_interrupted(t);
	progress_clear(&t->progress);
	if (fault.line)
		fprintf(stderr, "mxmctl recommend: %s:%ld: %s\n", path,
		    fault.line, fault.why);
	else
		fprintf(stderr, "mxmctl recommend: %s: %s\n", path, fault.why);
	switch (e) {
	case ERR_NOT_FOUND:
		return EX_NOINPUT;
	case ERR_UNAVAILABLE:
		return EX_IOERR;
	default:
		return EX_DATAERR;
	}
}

/* Nobody has said yet what the order of ratings means. */
static bool
wants_order(const struct task *t)
{
	for (size_t i = 0; i < t->n_sets; i++) {
		if (fit_sets_order(t->sets[i]))
			return false;
	}
	return !t->as_is;
}

/* What it takes is said, and whether it is there, before it begins. */
int
recommend_memory(struct task *t)
{
	size_t n = t->table.triples->n;
	size_t need =
	    fit_memory(n, t->table.users.n, t->table.items.n, &t->fit);
	size_t there = fit_memory_there();

	if (t->tune || wants_order(t))
		need += tune_memory(n, t->tune ? TUNE_RATINGS : ORDER_RATINGS);

	if (!t->quiet)
		fprintf(stderr,
		    "%zu ratings of %" PRIu32 " users and %" PRIu32
		    " items, at most %zu MiB of memory\n",
		    t->table.triples->n, t->table.users.n, t->table.items.n,
		    (need >> 20) + 1);
	if (there == SIZE_MAX || need <= there)
		return EX_OK;
	fprintf(stderr,
	    "mxmctl recommend: that takes %zu MiB of memory, and there are "
	    "%zu; fewer factors or near_keep take less\n",
	    (need >> 20) + 1, there >> 20);
	return EX_OSERR;
}

/* ---------------------------------------------------------------- learning */

static void
tell_trial(void *teller, const char *tried, double quality, bool kept)
{
	struct task *t = teller;

	progress_clear(&t->progress);
	if (!t->quiet)
		fprintf(stderr, "%.4f %s%s\n", quality,
		    *tried ? tried : "as it is",
		    *tried && kept ? ": kept" : "");
	progress_at(&t->progress, ++t->trials);
}

int
recommend_search(struct task *t)
{
	const struct tune tune = { .triples = t->table.triples,
		.users = t->table.users.n,
		.items = t->table.items.n,
		.tell = tell_trial,
		.teller = t };
	enum err e;

	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	recommend_step(t, tune_trials(), "tuning");
	e = tune_settings(&tune, &t->fit);
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	if (recommend_stop)
		return recommend_interrupted(t);
	progress_clear(&t->progress);
	fprintf(stderr, "mxmctl recommend: %s: %s\n", t->train,
	    e == ERR_NOT_FOUND ? "nobody's last ratings hold 4 stars or more "
				 "to tune by" :
				 "training does not end in numbers");
	return EX_DATAERR;
}

static void
tell_iteration(void *teller, unsigned iteration, double loss)
{
	struct task *t = teller;

	snprintf(t->step, sizeof t->step, "training, loss %.6g", loss);
	progress_at(&t->progress, iteration);
}

static void
tell_order(const struct task *t)
{
	const struct tune_order *o = &t->order;

	if (t->quiet || !o->asked)
		return;
	fprintf(stderr,
	    "NDCG@100 %.4f with the order of ratings, %.4f without: it is "
	    "%s\n",
	    o->with, o->without, o->ignored ? "ignored" : "used");
}

static int
ask_order(struct task *t)
{
	const struct tune tune = { .triples = t->table.triples,
		.users = t->table.users.n,
		.items = t->table.items.n };

	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	recommend_step(t, 0, "asking whether the order of ratings matters");
	if (tune_order(&tune, &t->fit, &t->order))
		return recommend_interrupted(t);
	progress_end(&t->progress);
	tell_order(t);
	return EX_OK;
}

int
recommend_settle(struct task *t)
{
	if (t->tune)
		return recommend_search(t);
	return wants_order(t) ? ask_order(t) : EX_OK;
}

void
recommend_order_json(struct json *j, const struct tune_order *o)
{
	json_key(j, "order");
	json_object(j);
	json_key(j, "used");
	json_bool(j, !o->ignored);
	if (o->asked) {
		json_key(j, "with");
		json_double(j, o->with);
		json_key(j, "without");
		json_double(j, o->without);
	}
	json_object_end(j);
}

int
recommend_fit(struct task *t)
{
	int64_t began;
	enum err e;

	began = clock_steady_us();
	t->by_user = matrix_new(
	    t->mem, t->table.triples, t->table.users.n, t->table.items.n);
	talloc_free(t->table.triples);
	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	t->fit.als.tell = tell_iteration;
	t->fit.als.teller = t;
	recommend_step(t, (int64_t)t->fit.als.iterations, "training");
	e = fit_model(t->mem, t->by_user, &t->fit, &t->model, &t->loss);
	t->fit_seconds = (double)(clock_steady_us() - began) / 1e6;
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	if (recommend_stop)
		return recommend_interrupted(t);
	progress_clear(&t->progress);
	fputs("mxmctl recommend: training does not end in numbers; ratings or "
	      "settings are far out\n",
	    stderr);
	return EX_DATAERR;
}

static void
tell_users(void *teller, size_t done)
{
	struct task *t = teller;

	progress_at(&t->progress, (int64_t)done);
}

int
recommend_lists(struct task *t, bool popular, uint32_t **lists)
{
	struct rank_options o = { .top = (size_t)t->top,
		.threads = t->fit.als.threads,
		.stop = &recommend_stop,
		.tell = tell_users,
		.teller = t };
	enum err e;

	recommend_step(t, (int64_t)t->by_user->rows, "ranking");
	e = popular ? rank_popular(t->mem, t->by_user, &o, lists) :
		      rank_all(t->mem, t->model, t->by_user, &o, lists);
	if (e)
		return recommend_interrupted(t);
	progress_end(&t->progress);
	return EX_OK;
}
