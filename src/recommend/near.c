/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neighbours: each row of the item-item matrix, which never exists as a whole,
 * is summed in a row of floats of the thread, and its largest entries are
 * stored.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/large.h"
#include "recommend/near.h"
#include "recommend/parallel.h"
#include "recommend/score.h"

#define BATCH_ITEMS 16

struct building {
	const struct sparse *by_user;
	const struct sparse *by_item;
	const uint32_t *places; /* matrix_places() */
	const struct near_options *o;
	float *fades;     /* by distance */
	float *damps;     /* by item */
	uint32_t *chosen; /* `keep` an item */
	float *weights;
	size_t *counts; /* of chosen */
	float **sums;   /* a row for each thread */
	struct parallel share;
};

static void
add_neighbours(
    const struct building *b, uint32_t user, size_t place, float *sums)
{
	const struct sparse *m = b->by_user;
	const uint32_t *row = m->index + m->start[user];
	size_t n = matrix_row_size(m, user), reach = b->o->reach;
	size_t from = place > reach ? place - reach : 0;
	size_t to = n - place > reach ? place + reach + 1 : n;

	for (size_t i = from; i < place; i++)
		sums[row[i]] += b->fades[place - i];
	for (size_t i = place + 1; i < to; i++)
		sums[row[i]] += b->fades[i - place];
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
build_item(const struct building *b, uint32_t item, float *sums)
{
	const struct sparse *t = b->by_item;
	size_t keep = b->o->keep, n;
	uint32_t *chosen = b->chosen + item * keep;

	memset(sums, 0, t->rows * sizeof *sums);
	for (size_t i = t->start[item]; i < t->start[item + 1]; i++)
		add_neighbours(b, t->index[i], b->places[i], sums);
	for (uint32_t i = 0; i < t->rows; i++) {
		if (sums[i] > 0)
			sums[i] *= b->damps[item] * b->damps[i];
		else
			sums[i] = -INFINITY;
	}
	n = score_top(sums, t->rows, keep, chosen);
	qsort(chosen, n, sizeof *chosen, by_number);
	for (size_t i = 0; i < n; i++)
		b->weights[item * keep + i] = sums[chosen[i]];
	b->counts[item] = n;
}

static void
report(const struct near_options *o, size_t done, size_t items)
{
	if (o->report && o->keep > 0)
		o->report(o->report_arg, done, items);
}

static void
items_work(void *shared, unsigned thread)
{
	struct building *b = shared;
	size_t from, to, number;

	while (parallel_next(&b->share, &from, &to, &number)) {
		for (size_t i = from; i < to; i++)
			build_item(b, (uint32_t)i, b->sums[thread]);
		if (thread == 0)
			report(b->o, to, b->share.total);
	}
}

/* Copies the chosen ones without gaps. */
static void
pack(TALLOC_CTX *mem, const struct building *b, struct near *near)
{
	size_t items = b->by_item->rows, keep = b->o->keep;

	near->start = large_array(mem, items + 1, sizeof *near->start);
	for (size_t i = 0; i < items; i++)
		near->start[i + 1] = near->start[i] + b->counts[i];
	near->n = near->start[items];
	near->index = large_array(mem, near->n, sizeof *near->index);
	near->weight = large_array(mem, near->n, sizeof *near->weight);
	for (size_t i = 0; i < items; i++) {
		memcpy(near->index + near->start[i], b->chosen + i * keep,
		    b->counts[i] * sizeof *near->index);
		memcpy(near->weight + near->start[i], b->weights + i * keep,
		    b->counts[i] * sizeof *near->weight);
	}
}

enum err
near_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct near_options *o,
    struct near *near)
{
	void *scratch = mem_need(talloc_new(NULL));
	size_t items = by_item->rows;
	struct building b = { .by_user = by_user, .by_item = by_item, .o = o };

	report(o, 0, items);
	b.places = matrix_places(scratch, by_user, by_item);
	b.fades = large_array(scratch, o->reach + 1, sizeof *b.fades);
	for (unsigned g = 0; g <= o->reach; g++)
		b.fades[g] = expf(-(float)g / o->fade);
	b.damps = large_array(scratch, items, sizeof *b.damps);
	for (uint32_t i = 0; i < items; i++)
		b.damps[i] =
		    1 / sqrtf((float)matrix_row_size(by_item, i) + o->damping);
	b.chosen = large_array(scratch, items * o->keep, sizeof *b.chosen);
	b.weights = large_array(scratch, items * o->keep, sizeof *b.weights);
	b.counts = large_array(scratch, items, sizeof *b.counts);
	b.sums = mem_array(scratch, float *, o->threads);
	for (unsigned t = 0; t < o->threads; t++)
		b.sums[t] = large_array(scratch, items, sizeof *b.sums[t]);
	b.share = (struct parallel){
		.total = items, .batch = BATCH_ITEMS, .stop = o->stop
	};
	if (o->keep > 0)
		parallel_run(o->threads, items_work, &b);
	pack(mem, &b, near);
	talloc_free(scratch);
	return o->stop && *o->stop ? ERR_UNAVAILABLE : ERR_OK;
}

size_t
near_memory(size_t ratings, uint32_t items, const struct near_options *o)
{
	return ratings * sizeof(uint32_t) +
	       (size_t)items *
		   (2 * o->keep * (sizeof(uint32_t) + sizeof(float)) +
		       2 * sizeof(size_t) + o->threads * sizeof(float));
}
