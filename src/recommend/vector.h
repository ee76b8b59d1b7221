/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loops over rows of floats with vector extensions of the compiler. Rows are
 * aligned to 32 bytes, and their length is a multiple of MODEL_LANES.
 */
#ifndef RECOMMEND_VECTOR_H
#define RECOMMEND_VECTOR_H

#include "base/base.h"

#include <math.h>

#include "recommend/model.h"

/* Compiled for several processors; the best is selected at start. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define wide                                                              \
	__attribute__((                                                   \
	    target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), \
	    optimize("O3", "fp-contract=fast")))
#else
#define wide
#endif

typedef float lanes __attribute__((vector_size(MODEL_LANES * sizeof(float))));

static inline float
vector_dot(const float *a, const float *b, size_t n)
{
	const lanes *va = (const lanes *)(const void *)a;
	const lanes *vb = (const lanes *)(const void *)b;
	lanes sum = { 0 };

	for (size_t i = 0; i < n / MODEL_LANES; i++)
		sum += va[i] * vb[i];
	/* pairwise, for short dependency chains */
	_Static_assert(MODEL_LANES == 8, "as many as are added here");
	return ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
	       ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* y += s x */
static inline void
vector_add(float *y, float s, const float *x, size_t n)
{
	lanes *vy = (lanes *)(void *)y;
	const lanes *vx = (const lanes *)(const void *)x;

	for (size_t i = 0; i < n / MODEL_LANES; i++)
		vy[i] += s * vx[i];
}

/* Are all of them finite? Any length and alignment. */
static inline bool
vector_is_finite(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			return false;
	}
	return true;
}

#endif
