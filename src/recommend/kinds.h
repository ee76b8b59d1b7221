/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the genres of a film say: which genres somebody likes more, or less,
 * than people do who rate at random. For genre g it is
 *
 *   a_g = w / (sum |p_j| + 10)  sum over ratings p_j ([j has g] - share of g)
 *
 * with p_j the weighed preference of rating j, share how much of all ratings
 * the genre has, and w the weight (taste_genre()); a film's score is the mean
 * over its genres. Linear in the ratings, so each has its part.
 */
#ifndef RECOMMEND_KINDS_H
#define RECOMMEND_KINDS_H

#include "base/base.h"

#include "recommend/fold.h"

/* Fills f->liking from f->pull; fold_run() calls it. */
void kinds_run(struct fold *f, const struct history *h);

/* The lowest genre of a set, which must not be empty. */
static inline int
kinds_lowest(uint64_t kinds)
{
	return __builtin_ctzll(kinds);
}

/* The score of a film of these genres. */
static inline float
kinds_score(const struct fold *f, uint64_t kinds)
{
	float sum = 0;

	if (!kinds)
		return 0;
	for (uint64_t k = kinds; k; k &= k - 1)
		sum += f->liking[kinds_lowest(k)];
	return sum / (float)__builtin_popcountll(kinds);
}

/* Adds to out[j] the part of rating j in that. */
void kinds_parts(
    const struct fold *f, const struct history *h, uint64_t kinds, float *out);

#endif
