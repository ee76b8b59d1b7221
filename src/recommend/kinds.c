/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Genres in a score.
 */
#include "base/base.h"

#include <math.h>

#include "recommend/kinds.h"
#include "recommend/vector.h"

#define DAMPING 10 /* so much preference is needed to be heard */

static bool
is_silent(const struct model *m)
{
	return !m->kinds || m->genre.n == 0;
}

static uint64_t
kinds_of(const struct model *m, uint32_t item)
{
	return item < m->items ? m->kinds[item] : 0;
}

void
kinds_run(struct fold *f, const struct history *h)
{
	const struct model *m = f->model;
	float all = 0, pull = 0;
	size_t genres =
	    m->genre.n < MODEL_KINDS ? m->genre.n : (size_t)MODEL_KINDS;

	memset(f->liking, 0, sizeof f->liking);
	f->heard = 0;
	if (is_silent(m))
		return;
	for (size_t j = 0; j < h->n; j++) {
		all += fabsf(f->pull[j]);
		pull += f->pull[j];
		for (uint64_t k = kinds_of(m, h->item[j]); k; k &= k - 1)
			f->liking[kinds_lowest(k)] += f->pull[j];
	}
	f->heard = taste_genre(&m->taste, h->n) / (all + DAMPING);
	for (size_t g = 0; g < genres; g++)
		f->liking[g] =
		    f->heard * (f->liking[g] - pull * m->genre.share[g]);
}

wide void
kinds_parts(
    const struct fold *f, const struct history *h, uint64_t kinds, float *out)
{
	const struct model *m = f->model;
	float expected = 0, n = (float)__builtin_popcountll(kinds);

	if (!kinds || is_silent(m))
		return;
	for (uint64_t k = kinds; k; k &= k - 1) {
		uint32_t g = (uint32_t)kinds_lowest(k);

		if (g < m->genre.n) /* see neighbours_of() */
			expected += m->genre.share[g];
	}
	for (size_t j = 0; j < h->n; j++) {
		uint64_t shared = kinds & kinds_of(m, h->item[j]);
		float met = (float)__builtin_popcountll(shared);

		out[j] += f->heard * f->pull[j] * (met - expected) / n;
	}
}
