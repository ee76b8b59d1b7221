/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loops over rows of floats in lanes, as the compiler has them everywhere.
 * Rows lie on 32-byte boundaries and their length is a multiple of the lanes.
 */
#ifndef RECOMMEND_VECTOR_H
#define RECOMMEND_VECTOR_H

#include "base/base.h"

#include <math.h>

#include "recommend/model.h"

/* The widest vectors that the processor has, found when the program starts. */
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
	/* in pairs: none waits for more than two others */
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

/* Are all of them numbers? Of any length, on any boundary. */
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
