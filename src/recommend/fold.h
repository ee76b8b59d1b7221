/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A person's factors from her current ratings: the very system that training
 * solves for a user, at request time. One small solve, and a rating given a
 * second ago counts. Plain loops over vectors, no BLAS.
 */
#ifndef RECOMMEND_FOLD_H
#define RECOMMEND_FOLD_H

#include "base/base.h"

#include "recommend/model.h"

struct fold {
	const struct model *model;
	float *a;         /* the system, then its Cholesky factor */
	float *x;         /* the person's factors, zeros behind them */
	float *v;         /* for fold_parts() alone */
	float common;     /* so much of the model's mean is in them */
	float *pull;      /* of each rating: its preference, weighed by age */
	float *near_pull; /* the same among neighbours, on the factors' scale */
	size_t room;      /* for so many ratings */
	float liking[MODEL_KINDS]; /* of each genre (kinds.h) */
	float heard;               /* the factor that is in all of them */
	bool solved;
};

/* Room for one person at a time, used again and again. */
struct fold *fold_new(TALLOC_CTX *mem, const struct model *model);

/*
 * Solves, and adds what everybody likes, the less the more ratings there are
 * (taste_common()). Ratings of items that the model does not know (index not
 * below its items) count for nothing. A singular system has no factors of hers.
 */
void fold_run(struct fold *f, const struct history *h);

/*
 * The score of a film with factors y and these genres, after fold_run(): x'y
 * and what the genres say.
 */
float fold_score(const struct fold *f, const float *y, uint64_t kinds);

/*
 * How that comes about: out[j] is the part of the person's j-th rating. The
 * parts and fold_common() add up to fold_score().
 */
void fold_parts(const struct fold *f, const struct history *h, const float *y,
    uint64_t kinds, float *out);

/* The part of x'y that is everybody's taste. */
float fold_common(const struct fold *f, const float *y);

#endif
