/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Predicted ratings, 1 to 5 stars. The scores of score.h rank; the stars that a
 * user will probably give to a movie are a linear function of
 *
 *   the offset of the movie: the damped mean of what its ratings are above the
 *     mean of all ratings, sum / (number + PREDICT_DAMPING)
 *   the level of the user: the same of their ratings above the mean and the
 *     offsets of the movies
 *   the residuals, what remains of their ratings then: folded into factors
 *     (ridge regression on the directions of the factors of the movies), and
 *     the damped mean of those whose movies have this movie as a neighbour
 *
 * Its weights are fitted when a model is trained (calibrate.h), for users with
 * few and with many ratings; the standard error depends on the number of
 * ratings of the user and of the movie.
 */
#ifndef RECOMMEND_PREDICT_H
#define RECOMMEND_PREDICT_H

#include "base/base.h"

#include "recommend/model.h"

#define PREDICT_DAMPING 5.0f

/* The terms of the linear function. */
enum term {
	TERM_ONE,
	TERM_OFFSET,
	TERM_LEVEL,
	TERM_FACTORS,
	TERM_NEAR,
	TERM__MAX
};

_Static_assert((int)TERM__MAX == PREDICT_TERMS, "a weight for each term");

/* A user whose ratings are predicted. */
struct predictor;

/*
 * From their ratings: items (MODEL_NONE: ignored) and stars, which are
 * borrowed. The model has offsets. Accesses the model, as all functions here
 * with a predictor (trap.h).
 */
struct predictor *predictor_new(TALLOC_CTX *mem, const struct model *model,
    const uint32_t *item, const float *stars, size_t n);

/* The bin of the user: predict_bin() of the ratings that were not ignored. */
unsigned predictor_bin(const struct predictor *p);

/* How many of them were not ignored. */
size_t predictor_known(const struct predictor *p);

/* The terms for an item; MODEL_NONE: with zeros. */
void predictor_terms(const struct predictor *p, uint32_t item, float offset,
    float out[PREDICT_TERMS]);

/*
 * The stars for an item, or for a movie that the model does not have
 * (MODEL_NONE), with this offset; may be outside of 1 to 5.
 */
float predictor_stars(const struct predictor *p, uint32_t item, float offset);

/* out[i] = the least of the stars of the n users for item i, as above. */
void predict_least(struct predictor *const *p, size_t n, float *out);

/* The bin of a number of ratings: 0, 1 to 3, 4 to 15, 16 to 63, more. */
unsigned predict_bin(size_t ratings);

/* The offset of a movie with these ratings. */
float predict_offset(float mean, float sum, size_t ratings);

/* Weights and standard errors before any is fitted. */
void predict_defaults(struct predict *out);

/* Within 1 to 5. */
float predict_clip(float stars);

#endif
