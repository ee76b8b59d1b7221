/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All movies ranked for one person by the model and her current ratings: those
 * the model knows by their factors and neighbours, those it does not know
 * (strangers) by the films of the same people and by their genres. A place is
 * an item of the model or, above, a stranger.
 *
 * The file of a model can be cut off at any time. The functions here survive
 * that; what they give then is worth nothing, and ranking_is_lost() says so.
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
 * NULL: nothing can be ranked, since the model knows none of what she rated, or
 * is lost.
 * `model` and `caller` are borrowed.
 */
struct ranking *ranking_new(
    TALLOC_CTX *mem, const struct model *model, const struct caller *caller);

/*
 * Adds the bonuses of friends and celebrities: a point is `bonus` times the
 * distance between the best and the hundredth. Returns what a point is worth.
 */
double ranking_bonuses(struct ranking *r, double bonus);

/* How many may be shown: not rated, not marked, not without a score. */
size_t ranking_size(const struct ranking *r);

/* The best `top` of them, best first, as movies and scores; returns how many.
 */
size_t ranking_top(
    const struct ranking *r, size_t top, int64_t *movies, double *scores);

/*
 * out[j]: what the caller's rating j (as in struct caller) has in the score of
 * a movie, bonuses apart, and *common what everybody's taste has in it (NULL:
 * not wanted); together they add up to ranking_taste(). false, and all are 0:
 * neither model nor strangers have the movie.
 */
bool ranking_parts(
    const struct ranking *r, int64_t movie, float *out, float *common);

/* What the caller's rating j (as in struct caller) says; below 0: dislike. */
float ranking_preference(const struct ranking *r, size_t j);

/* The score of a movie without bonuses, also of one she has rated. */
float ranking_taste(const struct ranking *r, int64_t movie);

/* Has the model's file been found cut off, by any of these? */
bool ranking_is_lost(const struct ranking *r);

#endif
