/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alternating least squares on implicit feedback (Hu, Koren and Volinsky 2008)
 * with the weights of Rendle et al. 2021. With p the preference of a rating
 * and x, y the factors of user and item, it minimises, one side at a time,
 *
 *   sum over ratings (p - x'y)^2  +  a sum over all pairs (x'y)^2
 *     + l sum over users (n + a I) |x|^2  +  l sum over items (n + a U) |y|^2
 *
 * where n is the number of ratings of the user or item, I and U the numbers of
 * items and users, a the weight of unobserved pairs, l the regularization.
 * Negative preferences are dislikes.
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
	const volatile sig_atomic_t *stop; /* non-zero: stop; NULL: never */
	/* called after each iteration; may be NULL */
	void (*report)(void *report_arg, unsigned iteration, double loss);
	void *report_arg;
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
 * number of threads. ERR_UNAVAILABLE: stopped. ERR_INVALID: it diverged (NaN),
 * because preferences are NaN or far too large.
 */
enum err als_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct als_options *o, struct als *out);

/*
 * One half of an iteration: solves every row of `solved` from the rows of `m`
 * and `fixed`. *loss is the total loss without the regularization of `fixed`.
 * ERR_UNAVAILABLE: stopped.
 */
enum err als_half(const struct sparse *m, const float *fixed, float *solved,
    const struct als_options *o, double *loss);

/* The regularization of one side: l sum (n + a N) |x|^2. */
double als_penalty(
    const struct sparse *m, const float *side, const struct als_options *o);

/* Bytes that als_fit() allocates besides the matrices. */
size_t als_memory(uint32_t users, uint32_t items, const struct als_options *o);

#endif
