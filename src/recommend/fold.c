/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding in: build the system, factorise it, solve it.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommend/cholesky.h"
#include "recommend/fold.h"
#include "recommend/kinds.h"
#include "recommend/vector.h"

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

/* Rows begin with the lane in which the diagonal stands. */
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

/* What each rating weighs; of a film that is not known, nothing. */
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

void
fold_run(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;

	weigh(f, h);
	build(f, h);
	f->solved = cholesky_factor(f->a, m->factors, m->stride);
	if (f->solved)
		cholesky_solve(f->a, m->factors, m->stride, f->x);
	/* almost singular systems end in numbers that are none */
	f->solved = f->solved && vector_is_finite(f->x, m->stride);
	if (!f->solved)
		memset(f->x, 0, m->stride * sizeof *f->x);
	f->common = taste_common(&m->taste, h->n);
	vector_add(f->x, f->common, m->mean, m->stride);
	kinds_run(f, h);
}

float
fold_score(const struct fold *f, const float *y, uint64_t kinds)
{
	return vector_dot(f->x, y, f->model->stride) + kinds_score(f, kinds);
}

float
fold_common(const struct fold *f, const float *y)
{
	return f->common * vector_dot(f->model->mean, y, f->model->stride);
}

wide void
fold_parts(const struct fold *f, const struct history *h, const float *y,
    uint64_t kinds, float *out)
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
	kinds_parts(f, h, kinds, out);
}
