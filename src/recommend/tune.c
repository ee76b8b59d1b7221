/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search: the most important settings come first, and each step selects the
 * best of a few values. There are few trials and a margin, because the held-out
 * ratings are a sample.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommend/evaluate.h"
#include "recommend/large.h"
#include "recommend/rank.h"
#include "recommend/tune.h"

#define MARGIN 0.0005

/* Settings that are tried together; trials of one step are alternatives. */
static const struct trial {
	int step;
	const char *set[4];
} trials[] = {
	/* the order of ratings */
	{ 1, { "near_half=1000", "taste_floor=1", "near_share=0.5" } },
	{ 1, { "near_half=15", "taste_floor=0.5", "near_share=0.7" } },
	{ 2, { "near_share=0" } },
	{ 2, { "near_share=0.5" } },
	{ 2, { "near_share=1.5" } },
	/* the preference of low ratings */
	{ 3, { "stars=1,1,1,1,1" } },
	{ 3, { "stars=0.2,0.2,0.7,1,1" } },
	{ 3, { "stars=-0.5,0,0.5,1,1.2" } },
	{ 4, { "regularization=0.003" } },
	{ 4, { "regularization=0.03" } },
	{ 5, { "unobserved=0.03" } },
	{ 5, { "unobserved=0.3" } },
	{ 5, { "unobserved=1" } },
	{ 6, { "factors=32" } },
	{ 6, { "factors=128" } },
	{ 7, { "near_keep=100" } },
	{ 7, { "near_keep=600" } },
};

struct search {
	const struct tune *t;
	struct triples *train;
	struct triples *held;
	uint32_t users; /* in the sample, renumbered */
	uint32_t items;
	bool *evaluated; /* by user: has held-out ratings */
	double best;
	unsigned models; /* to be evaluated in all */
	unsigned done;
	unsigned iterations; /* of the current one */
};

/* --------------------------------------------------------------- progress */

/* Approximate shares of the time of one model. */
#define PART_FACTORS 0.3
#define PART_NEAR    0.4
#define PART_LISTS   0.3

/* Reports the progress; `part` of the current model is done. */
static void
advance(const struct search *s, double part)
{
	if (s->t->report_share)
		s->t->report_share(
		    s->t->report_arg, (s->done + part) / s->models);
}

static void
report_iteration(void *report_arg, unsigned iteration, double loss)
{
	const struct search *s = report_arg;

	(void)loss;
	advance(s, PART_FACTORS * iteration / s->iterations);
}

static void
report_near(void *report_arg, size_t done, size_t items)
{
	advance(report_arg,
	    PART_FACTORS + PART_NEAR * (double)done / (double)items);
}

static void
report_lists(void *report_arg, size_t done)
{
	const struct search *s = report_arg;

	advance(s, 1 - PART_LISTS + PART_LISTS * (double)done / s->users);
}

/* ---------------------------------------------------------------- one trial */

size_t
tune_step(size_t ratings, size_t most)
{
	return ratings / most + 1;
}

/* All users or a sample; the last ratings that they liked are held out. */
static void
sample_users(TALLOC_CTX *mem, struct search *s, size_t most)
{
	const struct triples *all = s->t->triples;
	size_t step = tune_step(all->n, most);

	s->train = triples_new(mem);
	s->held = triples_new(mem);
	for (size_t i = 0; i < all->n; i++) {
		struct triple one = all->list[i];

		if (one.user % step != 0)
			continue;
		one.user /= (uint32_t)step;
		triples_add(s->train, &one);
	}
	s->users = s->t->users > 0 ? (s->t->users - 1) / (uint32_t)step + 1 : 0;
	s->evaluated = large_array(mem, s->users, sizeof *s->evaluated);
	evaluate_split(s->train, s->held);
	for (size_t i = 0; i < s->held->n; i++)
		s->evaluated[s->held->list[i].user] = true;
	s->items = evaluate_renumber(s->train, s->held, s->t->items);
}

static enum err
evaluate(struct search *s, const struct fit_options *o, double *out)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct sparse *m = matrix_new(mem, s->train, s->users, s->items);
	const struct rank_options r = { .top = EVALUATE_TOP,
		.only = s->evaluated,
		.threads = o->als.threads,
		.stop = o->als.stop,
		.report = report_lists,
		.report_arg = s };
	struct fit_options mine = *o;
	struct model *model;
	struct quality q;
	uint32_t *lists;
	enum err e;

	s->iterations = o->als.iterations;
	mine.als.report = report_iteration;
	mine.near.report = report_near;
	mine.als.report_arg = mine.near.report_arg = s;
	e = fit_model(mem, m, &mine, &model, NULL);
	if (!e)
		e = rank_all(mem, model, m, &r, &lists);
	if (!e) {
		evaluate_lists(m, s->held, lists, r.top, &q);
		*out = q.mean[NDCG_100];
	}
	s->done++;
	talloc_free(mem);
	return e;
}

static const char *
apply(TALLOC_CTX *mem, const struct trial *trial, struct fit_options *o)
{
	char *text = mem_text(mem, "");
	const char *wrong;

	for (size_t i = 0; i < array_len(trial->set) && trial->set[i]; i++) {
		wrong = fit_set(mem, o, trial->set[i]);
		assert(!wrong);
		text = mem_printf(
		    mem, "%s%s%s", text, i ? " " : "", trial->set[i]);
	}
	return text;
}

/* One trial; if it is better than the best so far, it is stored in *kept. */
static enum err
try_one(TALLOC_CTX *mem, struct search *s, const struct trial *trial,
    const struct fit_options *begin, struct fit_options *kept)
{
	struct fit_options mine = *begin;
	const char *text = apply(mem, trial, &mine);
	double quality;
	bool better;
	enum err e;

	e = evaluate(s, &mine, &quality);
	/* settings with which training diverges are bad, not an error */
	if (e == ERR_INVALID)
		return ERR_OK;
	if (e)
		return e;
	better = quality > s->best + MARGIN;
	if (better) {
		s->best = quality;
		*kept = mine;
	}
	if (s->t->report)
		s->t->report(s->t->report_arg, text, quality, better);
	return ERR_OK;
}

static enum err
search(TALLOC_CTX *mem, struct search *s, struct fit_options *o)
{
	struct fit_options kept;
	enum err e;

	e = evaluate(s, o, &s->best);
	if (e)
		return e;
	if (s->t->report)
		s->t->report(s->t->report_arg, "", s->best, true);
	kept = *o;
	for (size_t i = 0; i < array_len(trials); i++) {
		if (i > 0 && trials[i].step != trials[i - 1].step)
			*o = kept;
		e = try_one(mem, s, &trials[i], o, &kept);
		if (e)
			return e;
	}
	*o = kept;
	return ERR_OK;
}

enum err
tune_settings(const struct tune *t, struct fit_options *o)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct search s = { .t = t, .models = array_len(trials) + 1 };
	enum err e;

	sample_users(mem, &s, TUNE_RATINGS);
	if (s.held->n == 0)
		e = ERR_NOT_FOUND;
	else
		e = search(mem, &s, o);
	talloc_free(mem);
	return e;
}

/* --------------------------------------------------------------- the order */

#define ORDER_ITERATIONS 6
#define ORDER_FACTORS    32

/* A rough model is enough for the comparison. */
static enum err
evaluate_roughly(struct search *s, const struct fit_options *o, double *out)
{
	struct fit_options rough = *o;

	if (rough.als.iterations > ORDER_ITERATIONS)
		rough.als.iterations = ORDER_ITERATIONS;
	if (rough.als.factors > ORDER_FACTORS)
		rough.als.factors = ORDER_FACTORS;
	return evaluate(s, &rough, out);
}

static size_t
users_in(const struct triples *held)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++)
		n += i == 0 || held->list[i].user != held->list[i - 1].user;
	return n;
}

enum err
tune_order(const struct tune *t, struct fit_options *o, struct tune_order *out)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct search s = { .t = t, .models = 2 };
	struct fit_options without = *o;
	enum err e = ERR_OK;

	*out = (struct tune_order){ .tested = false };
	sample_users(mem, &s, ORDER_RATINGS);
	if (users_in(s.held) >= TUNE_USERS_MIN) {
		(void)apply(mem, &trials[0], &without);
		e = evaluate_roughly(&s, o, &out->with);
		if (!e)
			e = evaluate_roughly(&s, &without, &out->without);
		out->tested = !e;
	}
	talloc_free(mem);
	if (out->tested && out->without > out->with + MARGIN) {
		out->ignored = true;
		*o = without;
	}
	/* a divergence is reported when the model is fitted */
	return e == ERR_INVALID ? ERR_OK : e;
}

size_t
tune_memory(size_t ratings, size_t most)
{
	size_t n = ratings < most ? ratings : most;

	/* the triples, two matrices, places */
	return n * (sizeof(struct triple) + 5 * sizeof(uint32_t));
}
