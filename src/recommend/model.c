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
	m->near.start =
	    large_array(m, (size_t)items + 1, sizeof *m->near.start);
	return m;
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
