/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding in: a user's factors from their current ratings, by the system that
 * training solves for a user, at request time. One small solve, so that a
 * rating given a second ago counts. Plain loops over vectors, no BLAS.
 *
 * Genres count beside the factors: how much more, or less, the user likes a
 * genre than a user who rates at random. For genre g that is
 *
 *   a_g = w / (sum |p_j| + 10)  sum over ratings p_j ([j has g] - share of g)
 *
 * with p_j the weighted preference of rating j, share the genre's share of all
 * ratings, and w the weight (taste_genre()); the score of a movie is the mean
 * over its genres. It is linear in the ratings, so each has its part.
 */
#ifndef RECOMMEND_FOLD_H
#define RECOMMEND_FOLD_H

#include "base/base.h"

#include "recommend/model.h"

struct fold {
	const struct model *model;
	float *a;         /* the system, then its Cholesky factor */
	float *x;         /* the user's factors, padded with zeros */
	float *v;         /* scratch of fold_parts() */
	float common;     /* how much of the mean factors is in them */
	float *pull;      /* of each rating: its preference, weighted by age */
	float *near_pull; /* the same for neighbours, on the factors' scale */
	size_t room;      /* allocated ratings */
	float liking[MODEL_GENRES]; /* a_g of each genre */
	float genre_scale;          /* the factor common to all of them */
	bool solved;
};

/* Room for one user at a time; it is reused. */
struct fold *fold_new(TALLOC_CTX *mem, const struct model *model);

/*
 * Solves, and adds the mean factors, the less the more ratings there are
 * (taste_common()). Ratings of items that the model does not have (index not
 * below its items) are ignored. A singular system leaves the user without
 * factors.
 */
void fold_run(struct fold *f, const struct history *h);

/*
 * The score of a movie with factors y and these genres, after fold_run(): x'y
 * and the genres.
 */
float fold_score(const struct fold *f, const float *y, uint64_t genres);

/*
 * The parts of that score: out[j] is the part of the user's j-th rating. The
 * parts and fold_common() add up to fold_score().
 */
void fold_parts(const struct fold *f, const struct history *h, const float *y,
    uint64_t genres, float *out);

/* The part of x'y that the mean factors have. */
float fold_common(const struct fold *f, const float *y);

/* The lowest genre of a set, which must not be empty. */
static inline int
fold_lowest_genre(uint64_t genres)
{
	return __builtin_ctzll(genres);
}

/* The part of the score that a movie's genres have. */
static inline float
fold_genres(const struct fold *f, uint64_t genres)
{
	float sum = 0;

	if (!genres)
		return 0;
	for (uint64_t g = genres; g; g &= g - 1)
		sum += f->liking[fold_lowest_genre(g)];
	return sum / (float)__builtin_popcountll(genres);
}

#endif
