/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every item scored for one person, and the best of them: the agreement of
 * factors, and what the neighbours of her ratings add. Plain loops.
 */
#ifndef RECOMMEND_SCORE_H
#define RECOMMEND_SCORE_H

#include "base/base.h"

#include "recommend/fold.h"

/* out[i] = x'y: model->items scores by factors alone. */
void score_factors(const struct fold *f, float *out);

/* Adds what their genres say. */
void score_genres(const struct fold *f, float *out);

/* Adds what the neighbours of the ratings say, after fold_run() with them. */
void score_near(const struct fold *f, const struct history *h, float *out);

/* All of them, as serving ranks: fold_run(), then the three. */
void score_all(struct fold *f, const struct history *h, float *out);

/*
 * out[j]: the part of rating j in the score of an item, after score_all()
 * with the same ratings; the parts and fold_common() add up to it.
 */
void score_parts(
    const struct fold *f, const struct history *h, uint32_t item, float *out);

/*
 * The items of the `top` highest scores, best first; of equal ones the lower
 * number first. Scores of -INFINITY and NaN are never chosen. Returns how many
 * there are.
 */
size_t score_top(const float *scores, uint32_t n, size_t top, uint32_t *out);

#endif
