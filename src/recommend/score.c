/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scores of all items, and the best items.
 */
#include "base/base.h"

#include <math.h>

#include "recommend/score.h"
#include "recommend/vector.h"

/* The factors of a movie with so many ratings count half. */
#define SIMILAR_DAMPING 20

wide void
score_factors(const struct fold *f, float *out)
{
	const struct model *m = f->model;

	for (uint32_t i = 0; i < m->items; i++)
		out[i] = vector_dot(f->x, m->item + i * m->stride, m->stride);
}

wide void
score_genres(const struct fold *f, float *out)
{
	const struct model *m = f->model;

	if (!(f->genre_scale > 0))
		return;
	for (uint32_t i = 0; i < m->items; i++)
		out[i] += fold_genres(f, m->item_genres[i]);
}

/*
 * It was validated, but the mapped file may be modified at any time, so that
 * the bounds are checked again.
 */
size_t
score_neighbours(const struct near *near, uint32_t item, size_t *from)
{
	size_t to = near->start[item + 1];

	*from = near->start[item];
	if (to > near->n)
		to = near->n;
	return *from < to ? to : *from;
}

wide void
score_near(const struct fold *f, const struct history *h, float *out)
{
	const struct near *near = &f->model->near;
	size_t from, to;

	for (size_t j = 0; j < h->n; j++) {
		if (f->near_pull[j] == 0)
			continue;
		to = score_neighbours(near, h->item[j], &from);
		for (size_t i = from; i < to; i++) {
			uint32_t item = near->index[i];

			if (item < f->model->items)
				out[item] += f->near_pull[j] * near->weight[i];
		}
	}
}

void
score_all(struct fold *f, const struct history *h, float *out)
{
	fold_run(f, h);
	score_factors(f, out);
	score_genres(f, out);
	score_near(f, h, out);
}

float
score_nearness(const struct near *near, uint32_t of, uint32_t item)
{
	size_t from, to = score_neighbours(near, of, &from), n = to - from,
		     half;
	const uint32_t *at;

	if (n == 0)
		return 0;
	at = near->index + from;
	for (; n > 1; n -= half) { /* without branches to predict */
		half = n / 2;
		at += at[half - 1] < item ? half : 0;
	}
	return *at == item ? near->weight[at - near->index] : 0;
}

void
score_parts(
    const struct fold *f, const struct history *h, uint32_t item, float *out)
{
	const struct model *m = f->model;

	fold_parts(f, h, m->item + item * m->stride,
	    m->item_genres ? m->item_genres[item] : 0, out);
	for (size_t j = 0; j < h->n; j++) {
		if (f->near_pull[j] != 0)
			out[j] += f->near_pull[j] *
				  score_nearness(&m->near, h->item[j], item);
	}
}

/* The largest weight of the neighbours of an item; 1: there are none. */
static float
nearest(const struct near *near, size_t from, size_t to)
{
	float best = 0;

	for (size_t i = from; i < to; i++)
		best = near->weight[i] > best ? near->weight[i] : best;
	return best > 0 ? best : 1;
}

wide void
score_similar(const struct model *m, uint32_t item, float *out)
{
	const float *of = m->item + item * m->stride;
	const struct near *near = &m->near;
	float length = vector_dot(of, of, m->stride), best;
	size_t from, to = score_neighbours(near, item, &from);

	for (uint32_t i = 0; i < m->items; i++) {
		const float *y = m->item + i * m->stride;
		float both = length * vector_dot(y, y, m->stride);

		out[i] = both > 0 ?
			     vector_dot(of, y, m->stride) / sqrtf(both) / 2 :
			     0;
		if (m->offset)
			out[i] *= (float)m->ratings[i] /
				  ((float)m->ratings[i] + SIMILAR_DAMPING);
	}
	best = nearest(near, from, to);
	for (size_t i = from; i < to; i++) {
		if (near->index[i] < m->items)
			out[near->index[i]] += near->weight[i] / best / 2;
	}
	for (uint32_t i = 0; i < m->items; i++)
		out[i] = out[i] > 0 && i != item ? out[i] : -INFINITY;
}

/* true: a comes after b in the list. */
static bool
is_worse(const float *scores, uint32_t a, uint32_t b)
{
	if (scores[a] < scores[b])
		return true;
	return !(scores[a] > scores[b]) && a > b;
}

/* A heap with the worst chosen item at its root: sifts item i down. */
static void
sift_down(const float *scores, uint32_t *heap, size_t n, size_t i)
{
	uint32_t item = heap[i];
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n &&
		    is_worse(scores, heap[child + 1], heap[child]))
			child++;
		if (!is_worse(scores, heap[child], item))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = item;
}

size_t
score_top(const float *scores, uint32_t n, size_t top, uint32_t *out)
{
	size_t have = 0;
	uint32_t last;

	for (uint32_t i = 0; i < n && top > 0; i++) {
		if (!(scores[i] > -INFINITY))
			continue;
		if (have < top) {
			out[have++] = i;
			if (have == top) {
				for (size_t p = have / 2; p-- > 0;)
					sift_down(scores, out, have, p);
			}
		} else if (scores[i] > scores[out[0]]) {
			out[0] = i;
			sift_down(scores, out, have, 0);
		}
	}
	if (have < top) {
		for (size_t p = have / 2; p-- > 0;)
			sift_down(scores, out, have, p);
	}
	for (size_t left = have; left > 1; left--) {
		last = out[left - 1];
		out[left - 1] = out[0];
		out[0] = last;
		sift_down(scores, out, left - 1, 0);
	}
	return have;
}
