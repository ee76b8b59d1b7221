/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranking all users: they are distributed over threads.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/large.h"
#include "recommend/rank.h"
#include "recommend/score.h"

#define BATCH_USERS 16

struct ranking {
	const struct model *model; /* NULL: by popularity */
	const struct sparse *by_user;
	const struct rank_options *o;
	float *popularity; /* -INFINITY: no rating */
	uint32_t *lists;
	struct fold **folds;
	float **scores;
	struct parallel share;
};

static void
rank_user(const struct ranking *r, uint32_t user, unsigned thread)
{
	const struct sparse *m = r->by_user;
	const struct history h = { .n = matrix_row_size(m, user),
		.item = m->index + m->start[user],
		.preference = m->value + m->start[user] };
	float *scores = r->scores[thread];
	uint32_t *list = r->lists + user * r->o->top;
	size_t n;

	if (r->model) {
		score_all(r->folds[thread], &h, scores);
		for (uint32_t i = 0; i < m->cols; i++) {
			if (!(r->popularity[i] > 0))
				scores[i] = -INFINITY;
		}
	} else
		memcpy(scores, r->popularity, m->cols * sizeof *scores);
	for (size_t i = 0; i < h.n; i++)
		scores[h.item[i]] = -INFINITY;
	n = score_top(scores, m->cols, r->o->top, list);
	while (n < r->o->top)
		list[n++] = RANK_NONE;
}

static void
rank_work(void *shared, unsigned thread)
{
	struct ranking *r = shared;
	size_t from, to, number;

	while (parallel_next(&r->share, &from, &to, &number)) {
		for (size_t u = from; u < to; u++) {
			if (!r->o->only || r->o->only[u])
				rank_user(r, (uint32_t)u, thread);
		}
		if (thread == 0 && r->o->report)
			r->o->report(r->o->report_arg, to);
	}
}

static void
count_ratings(const struct sparse *m, float *popularity)
{
	for (size_t i = 0; i < matrix_size(m); i++)
		popularity[m->index[i]]++;
	for (uint32_t i = 0; i < m->cols; i++) {
		if (!(popularity[i] > 0))
			popularity[i] = -INFINITY;
	}
}

enum err
rank_all(TALLOC_CTX *mem, const struct model *model,
    const struct sparse *by_user, const struct rank_options *o,
    uint32_t **lists)
{
	TALLOC_CTX *scratch = mem_need(talloc_new(NULL));
	struct ranking r = { .model = model, .by_user = by_user, .o = o };

	*lists = r.lists =
	    large_array(mem, by_user->rows * o->top, sizeof *r.lists);
	r.popularity =
	    large_array(scratch, by_user->cols, sizeof *r.popularity);
	count_ratings(by_user, r.popularity);
	r.folds = mem_array(scratch, struct fold *, o->threads);
	r.scores = mem_array(scratch, float *, o->threads);
	for (unsigned t = 0; t < o->threads; t++) {
		if (model)
			r.folds[t] = fold_new(scratch, model);
		r.scores[t] =
		    large_array(scratch, by_user->cols, sizeof *r.scores[t]);
	}
	r.share = (struct parallel){
		.total = by_user->rows, .batch = BATCH_USERS, .stop = o->stop
	};
	parallel_run(o->threads, rank_work, &r);
	talloc_free(scratch);
	return o->stop && *o->stop ? ERR_UNAVAILABLE : ERR_OK;
}

enum err
rank_popular(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct rank_options *o, uint32_t **lists)
{
	return rank_all(mem, NULL, by_user, o, lists);
}
