/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every item scored for one user, and the best of them: by factors, genres and
 * the neighbours of the user's ratings. Plain loops.
 */
#ifndef RECOMMEND_SCORE_H
#define RECOMMEND_SCORE_H

#include "base/base.h"

#include "recommend/fold.h"

/* out[i] = x'y: model->items scores by factors alone. */
void score_factors(const struct fold *f, float *out);

/* Adds the scores by genres. */
void score_genres(const struct fold *f, float *out);

/* Adds the scores by neighbours, after fold_run() with the same ratings. */
void score_near(const struct fold *f, const struct history *h, float *out);

/* The scores of serving: fold_run(), then the three above. */
void score_all(struct fold *f, const struct history *h, float *out);

/*
 * out[j]: the part of rating j in the score of an item, after score_all() with
 * the same ratings. The parts and fold_common() add up to the score.
 */
void score_parts(
    const struct fold *f, const struct history *h, uint32_t item, float *out);

/* The range of an item's neighbours: *from, and its end. */
size_t score_neighbours(const struct near *near, uint32_t item, size_t *from);

/* The weight of `item` among the neighbours of `of`; 0: not a neighbour. */
float score_nearness(const struct near *near, uint32_t of, uint32_t item);

/*
 * out[i]: how similar item i is to `item`, up to 1: half the cosine of their
 * factors, damped for movies with few ratings if it was trained here, plus half
 * the weight among the neighbours of `item` as a share of the largest.
 * -INFINITY: not similar.
 */
void score_similar(const struct model *m, uint32_t item, float *out);

/*
 * The items with the `top` highest scores, best first; of equal scores the
 * lower number first. -INFINITY and NaN are never chosen. Returns how many.
 */
size_t score_top(const float *scores, uint32_t n, size_t top, uint32_t *out);

#endif
