/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Four pivots at a time, so that the rest of the matrix is loaded and stored
 * once for four updates.
 */
#include "base/base.h"

#include <math.h>

#include "recommend/cholesky.h"
#include "recommend/vector.h"

#define PIVOTS 4

/* The rows of up to PIVOTS pivots from p on. */
static inline bool
factor_pivots(float *a, size_t p, size_t end, size_t s)
{
	for (size_t q = p; q < end; q++) {
		float *row = a + q * s;
		float pivot = row[q], scale;

		if (!(pivot > 0) || !isfinite(pivot))
			return false;
		scale = 1 / sqrtf(pivot);
		for (size_t c = q; c < s; c++)
			row[c] *= scale;
		for (size_t r = q + 1; r < end; r++) {
			float f = row[r];

			for (size_t c = r; c < s; c++)
				a[r * s + c] -= f * row[c];
		}
	}
	return true;
}

wide bool
cholesky_factor(float *a, size_t k, size_t s)
{
	for (size_t p = 0; p < k; p += PIVOTS) {
		const float *row = a + p * s;

		if (!factor_pivots(a, p, p + PIVOTS < k ? p + PIVOTS : k, s))
			return false;
		for (size_t r = p + PIVOTS; r < k; r++) {
			const lanes *u = (const lanes *)(const void *)row;
			lanes *v = (lanes *)(void *)(a + r * s);
			float f0 = row[r], f1 = row[s + r];
			float f2 = row[2 * s + r], f3 = row[3 * s + r];
			size_t n = s / MODEL_LANES;

			for (size_t i = r / MODEL_LANES; i < n; i++)
				v[i] -= f0 * u[i] + f1 * u[n + i] +
					f2 * u[2 * n + i] + f3 * u[3 * n + i];
		}
	}
	return true;
}

wide void
cholesky_solve(const float *u, size_t k, size_t s, float *x)
{
	float sum, f;

	for (size_t p = 0; p < k; p++) {
		f = x[p] / u[p * s + p];
		x[p] = f;
		for (size_t c = p + 1; c < k; c++)
			x[c] -= f * u[p * s + c];
	}
	for (size_t p = k; p-- > 0;) {
		sum = 0;
		for (size_t c = p + 1; c < k; c++)
			sum += u[p * s + c] * x[c];
		x[p] = (x[p] - sum) / u[p * s + p];
	}
}
