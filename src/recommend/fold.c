/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding in: build the system, factorise it, solve it; then the genres.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/cholesky.h"
#include "recommend/fold.h"
#include "recommend/vector.h"

#define DAMPING 10 /* in a_g: few ratings say little of a genre */

struct fold *
fold_new(TALLOC_CTX *mem, const struct model *model)
{
	struct fold *f = mem_new(mem, struct fold);

	f->model = model;
	f->a = model_floats(f, model->stride * model->stride);
	f->x = model_floats(f, model->stride);
	f->v = model_floats(f, model->stride);
	return f;
}

static bool
is_known(const struct model *m, uint32_t item)
{
	return item < m->items;
}

/* Rows start at the lane that holds the diagonal. */
static size_t
filled(size_t row)
{
	return row / MODEL_LANES * MODEL_LANES;
}

/* The upper triangle of gram + ridge + sum y y', and the right side into x. */
wide static void
build(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;
	size_t s = m->stride, known = 0;
	float ridge;

	memcpy(f->a, m->gram, s * s * sizeof *f->a);
	memset(f->x, 0, s * sizeof *f->x);
	for (size_t j = 0; j < h->n; j++) {
		const float *y = m->item + h->item[j] * s;

		if (!is_known(m, h->item[j]))
			continue;
		known++;
		for (size_t r = 0; r < m->factors; r++)
			vector_add(f->a + r * s + filled(r), y[r],
			    y + filled(r), s - filled(r));
		vector_add(f->x, f->pull[j], y, s);
	}
	ridge = m->regularization *
		((float)known + m->unobserved * (float)m->items);
	for (size_t r = 0; r < m->factors; r++)
		f->a[r * s + r] += ridge;
}

/* The weight of each rating; 0 when the model does not have the movie. */
static void
weigh(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;

	if (f->room < h->n) {
		talloc_free(f->pull);
		talloc_free(f->near_pull);
		f->room = h->n;
		f->pull = mem_array(f, float, f->room);
		f->near_pull = mem_array(f, float, f->room);
	}
	for (size_t j = 0; j < h->n; j++) {
		f->pull[j] = f->near_pull[j] = 0;
		if (!is_known(m, h->item[j]))
			continue;
		f->pull[j] =
		    h->preference[j] * taste_weight(&m->taste, j, h->n);
		f->near_pull[j] = m->near_scale * h->preference[j] *
				  taste_near_weight(&m->taste, j, h->n);
	}
}

/* ------------------------------------------------------------------ genres */

static bool
has_no_genres(const struct model *m)
{
	return !m->item_genres || m->genre.n == 0;
}

static uint64_t
genres_of(const struct model *m, uint32_t item)
{
	return is_known(m, item) ? m->item_genres[item] : 0;
}

/* Fills f->liking from f->pull. */
static void
find_liking(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;
	float all = 0, pull = 0;
	size_t genres =
	    m->genre.n < MODEL_GENRES ? m->genre.n : (size_t)MODEL_GENRES;

	memset(f->liking, 0, sizeof f->liking);
	f->genre_scale = 0;
	if (has_no_genres(m))
		return;
	for (size_t j = 0; j < h->n; j++) {
		all += fabsf(f->pull[j]);
		pull += f->pull[j];
		for (uint64_t g = genres_of(m, h->item[j]); g; g &= g - 1)
			f->liking[fold_lowest_genre(g)] += f->pull[j];
	}
	f->genre_scale = taste_genre(&m->taste, h->n) / (all + DAMPING);
	for (size_t g = 0; g < genres; g++)
		f->liking[g] =
		    f->genre_scale * (f->liking[g] - pull * m->genre.share[g]);
}

/* Adds to out[j] the part of rating j in the genres' score. */
wide static void
add_genre_parts(
    const struct fold *f, const struct history *h, uint64_t genres, float *out)
{
	const struct model *m = f->model;
	float expected = 0, n = (float)__builtin_popcountll(genres);

	if (!genres || has_no_genres(m))
		return;
	for (uint64_t rest = genres; rest; rest &= rest - 1) {
		uint32_t g = (uint32_t)fold_lowest_genre(rest);

		if (g < m->genre.n) /* see score_neighbours() */
			expected += m->genre.share[g];
	}
	for (size_t j = 0; j < h->n; j++) {
		uint64_t shared = genres & genres_of(m, h->item[j]);
		float met = (float)__builtin_popcountll(shared);

		out[j] += f->genre_scale * f->pull[j] * (met - expected) / n;
	}
}

/* ----------------------------------------------------------------- folding */

void
fold_run(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;

	weigh(f, h);
	build(f, h);
	f->solved = cholesky_factor(f->a, m->factors, m->stride);
	if (f->solved)
		cholesky_solve(f->a, m->factors, m->stride, f->x);
	/* an almost singular system may give infinity or NaN */
	f->solved = f->solved && vector_is_finite(f->x, m->stride);
	if (!f->solved)
		memset(f->x, 0, m->stride * sizeof *f->x);
	f->common = taste_common(&m->taste, h->n);
	vector_add(f->x, f->common, m->mean, m->stride);
	find_liking(f, h);
}

float
fold_score(const struct fold *f, const float *y, uint64_t genres)
{
	return vector_dot(f->x, y, f->model->stride) + fold_genres(f, genres);
}

float
fold_common(const struct fold *f, const float *y)
{
	return f->common * vector_dot(f->model->mean, y, f->model->stride);
}

wide void
fold_parts(const struct fold *f, const struct history *h, const float *y,
    uint64_t genres, float *out)
{
	const struct model *m = f->model;
	size_t s = m->stride;

	memset(out, 0, h->n * sizeof *out);
	if (f->solved) {
		memcpy(f->v, y, s * sizeof *f->v);
		cholesky_solve(f->a, m->factors, s, f->v);
	}
	for (size_t j = 0; j < h->n; j++) {
		if (is_known(m, h->item[j]))
			out[j] = f->pull[j] *
				 vector_dot(f->v, m->item + h->item[j] * s, s);
	}
	add_genre_parts(f, h, genres, out);
}
