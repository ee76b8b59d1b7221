/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loops over rows of floats in lanes, as the compiler has them everywhere.
 * Rows lie on 32-byte boundaries and their length is a multiple of the lanes.
 */
#ifndef RECOMMEND_VECTOR_H
#define RECOMMEND_VECTOR_H

#include "base/base.h"

#include "recommend/model.h"

typedef float lanes __attribute__((vector_size(MODEL_LANES * sizeof(float))));

static inline float
vector_dot(const float *a, const float *b, size_t n)
{
	const lanes *va = (const lanes *)(const void *)a;
	const lanes *vb = (const lanes *)(const void *)b;
	lanes sum = { 0 };
	float total = 0;

	for (size_t i = 0; i < n / MODEL_LANES; i++)
		sum += va[i] * vb[i];
	for (int i = 0; i < MODEL_LANES; i++)
		total += sum[i];
	return total;
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

#endif
