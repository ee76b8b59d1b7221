/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model in memory.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommend/large.h"
#include "recommend/model.h"

#define ALIGNMENT ((uintptr_t)(MODEL_LANES * sizeof(float)))

size_t
model_stride(unsigned factors)
{
	return ((size_t)factors + MODEL_LANES - 1) / MODEL_LANES * MODEL_LANES;
}

float *
model_floats(TALLOC_CTX *mem, size_t n)
{
	char *p = large_array(mem, n + MODEL_LANES, sizeof(float));
	uintptr_t over = (uintptr_t)p % ALIGNMENT;

	return (float *)(void *)(p + (over ? ALIGNMENT - over : 0));
}

struct model *
model_new(TALLOC_CTX *mem, uint32_t items, unsigned factors)
{
	struct model *m = mem_new(mem, struct model);

	m->items = items;
	m->factors = factors;
	m->stride = model_stride(factors);
	m->item = model_floats(m, items * m->stride);
	m->gram = model_floats(m, m->stride * m->stride);
	m->mean = model_floats(m, m->stride);
	m->near.start =
	    large_array(m, (size_t)items + 1, sizeof *m->near.start);
	return m;
}

bool
model_is_truncated(const struct model *m)
{
	return m && m->trap && m->trap->truncated;
}

size_t
model_place(const int64_t *sorted, size_t n, int64_t wanted)
{
	size_t low = 0, high = n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (sorted[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && sorted[low] == wanted ? low : n;
}

struct history
model_history(TALLOC_CTX *mem, const struct model *m, const int64_t *movies,
    const int64_t *stars, size_t n)
{
	uint32_t *item = mem_array(mem, uint32_t, n + 1);
	float *preference = mem_array(mem, float, n + 1);

	for (size_t j = 0; j < n; j++) {
		item[j] = model_find(m, movies[j]);
		preference[j] = taste_preference(&m->taste, (float)stars[j]);
	}
	return (struct history){ n, item, preference };
}

uint32_t
model_find(const struct model *m, int64_t movie)
{
	size_t place = m->id ? model_place(m->id, m->items, movie) : m->items;

	return place < m->items ? (uint32_t)place : MODEL_NONE;
}

uint32_t
model_genre(const struct model *m, int64_t genre)
{
	size_t place = model_place(m->genre.id, m->genre.n, genre);

	return place < m->genre.n ? (uint32_t)place : MODEL_NONE;
}

void
model_prepare(struct model *m)
{
	size_t s = m->stride;
	double *sum = large_array(m, s * s, sizeof *sum);

	for (uint32_t i = 0; i < m->items; i++) {
		const float *y = m->item + i * s;

		for (size_t r = 0; r < m->factors; r++) {
			for (size_t c = 0; c <= r; c++)
				sum[r * s + c] += (double)y[r] * (double)y[c];
		}
	}
	for (size_t r = 0; r < s; r++) {
		for (size_t c = 0; c <= r; c++)
			m->gram[r * s + c] = m->gram[c * s + r] =
			    m->unobserved * (float)sum[r * s + c];
	}
}
