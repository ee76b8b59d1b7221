/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps that several subcommands of mxmctl recommend take.
 */
#include "base/base.h"

#include <stdarg.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ctl/recommend.h"
#include "recommend/rank.h"
#include "recommend/tune.h"

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

/* What it takes is said, and whether it is there, before it begins. */
int
recommend_memory(struct task *t)
{
	size_t need = fit_memory(
	    t->table.triples->n, t->table.users.n, t->table.items.n, &t->fit);
	size_t there = fit_memory_there();

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

int
recommend_fit(struct task *t)
{
	int64_t began;
	int status;
	enum err e;

	status = t->tune ? recommend_search(t) : EX_OK;
	if (status != EX_OK)
		return status;
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
