/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alternating least squares on implicit feedback (Hu, Koren and Volinsky 2008)
 * with the weights of Rendle et al. 2021. With p the preference of a rating
 * and x, y the factors of user and item, it makes smaller, a side at a time,
 *
 *   sum over ratings (p - x'y)^2  +  a sum over all pairs (x'y)^2
 *     + l sum over users (n + a I) |x|^2  +  l sum over items (n + a U) |y|^2
 *
 * where n is how many ratings the user or item has, of I items and U users, a
 * the weight of what is not known, l the regularization. Preferences below
 * zero push away.
 */
#ifndef RECOMMEND_ALS_H
#define RECOMMEND_ALS_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"

#define ALS_FACTORS_MAX 512

struct als_options {
	unsigned factors;
	unsigned iterations;
	unsigned threads;
	float regularization; /* l */
	float unobserved;     /* a */
	unsigned seed;
	const volatile sig_atomic_t *stop; /* non-zero: give up; NULL: never */
	/* told after each iteration; NULL: nobody is */
	void (*tell)(void *teller, unsigned iteration, double loss);
	void *teller;
};

/* Row-major, `factors` floats a row. */
struct als {
	uint32_t users;
	uint32_t items;
	unsigned factors;
	float *user;
	float *item;
	double loss; /* after the last iteration */
};

/*
 * Fits both sides. `by_item` is the transpose of `by_user`; values are
 * preferences. The same seed gives the same factors, bit by bit, with any
 * number of threads. ERR_UNAVAILABLE: stopped. ERR_INVALID: the factors are no
 * numbers (preferences that are none, or far too large).
 */
must_check enum err als_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct als_options *o, struct als *out);

/*
 * One half of an iteration: solves every row of `solved` (by the rows of `m`)
 * while `fixed` stays, and says what the whole loss then is, but for
 * `fixed`'s own share of the regularization. ERR_UNAVAILABLE: stopped.
 */
must_check enum err als_half(const struct sparse *m, const float *fixed,
    float *solved, const struct als_options *o, double *loss);

/* A side's share of the regularization: l sum (n + a N) |x|^2. */
double als_penalty(
    const struct sparse *m, const float *side, const struct als_options *o);

/* Bytes that als_fit() takes besides the matrices. */
size_t als_memory(uint32_t users, uint32_t items, const struct als_options *o);

#endif
