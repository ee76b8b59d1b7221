/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All movies ranked for one user by the model and their current ratings: movies
 * of the model by factors and neighbours, cold-start movies (not in the model)
 * by the movies of the same people and by genres. A place is an item of the
 * model or, above, a cold-start movie.
 *
 * The file of a model can be truncated at any time. The functions here survive
 * that; their results are then undefined, and ranking_is_truncated() is true.
 */
#ifndef RECOMMENDATIONS_RANKING_H
#define RECOMMENDATIONS_RANKING_H

#include "base/base.h"

#include "recommend/model.h"
#include "recommendations/caller.h"

/* Points of the bonuses (contract, movies 6.5). */
#define BONUS_CELEBRITY 3.0
#define BONUS_FRIEND    2.5
#define BONUS_AWARD     0.7

struct ranking;

/*
 * NULL: nothing can be ranked, because the model has none of the rated movies,
 * or is truncated. `model` and `caller` are borrowed.
 */
struct ranking *ranking_new(
    TALLOC_CTX *mem, const struct model *model, const struct caller *caller);

/*
 * Adds the bonuses of celebrities and, if they were read, of friends: a point
 * is `bonus` times the difference between the best and the hundredth score.
 * Returns a point. `popular` times that difference is added for each standard
 * deviation that ln(1 + number of ratings) of a movie is above its mean over
 * all movies; the model must have these numbers if it is not 0.
 */
double ranking_bonuses(struct ranking *r, double bonus, double popular);

/* The number of movies that are not rated, not marked and have a score. */
size_t ranking_size(const struct ranking *r);

/* How many have at least the score of the `top`th best, less `margin`. */
size_t ranking_near(const struct ranking *r, size_t top, double margin);

/* The best `top` of them, best first, as movies and scores; returns how many.
 */
size_t ranking_top(
    const struct ranking *r, size_t top, int64_t *movies, double *scores);

/*
 * out[j]: the part of the caller's rating j (as in struct caller) in the score
 * of a movie without bonuses; *common (may be NULL): the part of the mean
 * factors. They add up to ranking_taste(). false, and all are 0: the movie is
 * neither in the model nor a cold-start movie.
 */
bool ranking_parts(
    const struct ranking *r, int64_t movie, float *out, float *common);

/* The preference of the caller's rating j; below 0: dislike. */
float ranking_preference(const struct ranking *r, size_t j);

/* The score of a movie without bonuses, also of a rated one. */
float ranking_taste(const struct ranking *r, int64_t movie);

/* Was the model's file found truncated? */
bool ranking_is_truncated(const struct ranking *r);

#endif
