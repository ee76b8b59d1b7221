/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding in: build the system, factorise it, solve it.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/fold.h"
#include "recommend/vector.h"

struct fold *
fold_new(TALLOC_CTX *mem, const struct model *model)
{
	struct fold *f = mem_new(mem, struct fold);

	f->model = model;
	f->a = model_floats(f, model->stride * model->stride);
	f->x = model_floats(f, model->stride);
	return f;
}

static bool
is_known(const struct model *m, uint32_t item)
{
	return item < m->items;
}

/* Rows are filled to the end of the lane in which the diagonal stands. */
static size_t
filled(size_t row)
{
	return (row / MODEL_LANES + 1) * MODEL_LANES;
}

/* The lower triangle of gram + ridge + sum y y', and the right side into x. */
static void
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
			vector_add(f->a + r * s, y[r], y, filled(r));
		vector_add(f->x,
		    h->preference[j] * taste_weight(&m->taste, j, h->n), y, s);
	}
	ridge = m->regularization *
		((float)known + m->unobserved * (float)m->items);
	for (size_t r = 0; r < m->factors; r++)
		f->a[r * s + r] += ridge;
}

/* a = l l', in place, row by row. Behind the diagonal there are then zeros. */
static bool
factorise(float *a, size_t k, size_t s)
{
	float *row, *col, pivot;

	for (size_t r = 0; r < k; r++) {
		row = a + r * s;
		/* entries not yet made must not count in the lanes below */
		for (size_t c = 0; c < r; c++) {
			float before = row[c];
			float sum = 0;
			size_t whole = c / MODEL_LANES * MODEL_LANES;

			col = a + c * s;
			sum = vector_dot(row, col, whole);
			for (size_t i = whole; i < c; i++)
				sum += row[i] * col[i];
			row[c] = (before - sum) / col[c];
		}
		pivot = row[r];
		for (size_t c = 0; c < r; c++)
			pivot -= row[c] * row[c];
		if (!(pivot > 0) || !isfinite(pivot))
			return false;
		row[r] = sqrtf(pivot);
		for (size_t c = r + 1; c < s; c++)
			row[c] = 0;
	}
	return true;
}

/* x = (l l')^-1 x */
static void
substitute(const float *l, size_t k, size_t s, float *x)
{
	size_t r;

	for (r = 0; r < k; r++) {
		for (size_t c = 0; c < r; c++)
			x[r] -= l[r * s + c] * x[c];
		x[r] /= l[r * s + r];
	}
	while (r-- > 0) {
		x[r] /= l[r * s + r];
		for (size_t c = 0; c < r; c++)
			x[c] -= l[r * s + c] * x[r];
	}
}

void
fold_run(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;

	build(f, h);
	f->solved = factorise(f->a, m->factors, m->stride);
	if (f->solved)
		substitute(f->a, m->factors, m->stride, f->x);
	else
		memset(f->x, 0, m->stride * sizeof *f->x);
}

void
fold_parts(
    const struct fold *f, const struct history *h, uint32_t item, float *out)
{
	const struct model *m = f->model;
	size_t s = m->stride;
	TALLOC_CTX *scratch = mem_need(talloc_new(NULL));
	float *v = model_floats(scratch, s);

	memset(out, 0, h->n * sizeof *out);
	if (f->solved && is_known(m, item)) {
		memcpy(v, m->item + item * s, s * sizeof *v);
		substitute(f->a, m->factors, s, v);
	}
	for (size_t j = 0; j < h->n; j++) {
		if (is_known(m, h->item[j]))
			out[j] = h->preference[j] *
				 taste_weight(&m->taste, j, h->n) *
				 vector_dot(v, m->item + h->item[j] * s, s);
	}
	talloc_free(scratch);
}
