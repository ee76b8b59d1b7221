/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The result of a training as serving needs it: the items' factors and
 * neighbours, and how ratings are weighted. The factors of users are not in it;
 * they are computed from their current ratings at every request (fold.h).
 */
#ifndef RECOMMEND_MODEL_H
#define RECOMMEND_MODEL_H

#include "base/base.h"

#include "recommend/taste.h"
#include "recommend/trap.h"

#define MODEL_LANES 8 /* rows are padded to a multiple, with zeros */

/* Item i's neighbours, sorted: index[start[i]] .. index[start[i + 1] - 1]. */
struct near {
	size_t n; /* of all items: the length of index and weight */
	size_t *start;
	uint32_t *index;
	float *weight;
};

/*
 * The genres of the items: the mean factors of each, for movies without
 * ratings, and its share of all ratings.
 */
struct genres {
	uint32_t n;
	int64_t *id;   /* sorted */
	float *factor; /* n rows of factors, 32 bytes aligned */
	float *share;
};

#define PREDICT_TERMS 5 /* of the linear function */
#define PREDICT_BINS  5 /* of numbers of ratings */

/* How ratings are predicted (predict.h). */
struct predict {
	float mean;    /* of all ratings, in stars */
	uint32_t held; /* ratings it was fitted to; 0: the defaults */
	/* by the ratings of the user */
	float weight[PREDICT_BINS][PREDICT_TERMS];
	/* standard error by the ratings of the user and of the movie */
	float error[PREDICT_BINS][PREDICT_BINS];
};

#define MODEL_GENRES 64 /* at most so many genres count in a score */

struct model {
	uint32_t items;
	unsigned factors;
	size_t stride; /* floats from one row to the next */
	float *item;   /* items rows of factors, 32 bytes aligned */
	float *gram;   /* stride rows: unobserved times item'item */
	float *mean;   /* a row: the mean factors of users */
	float regularization;
	float unobserved;
	struct near near;
	float near_scale; /* from the scale of neighbours to that of factors */
	struct taste taste;
	int64_t *id; /* the movies of the items, sorted; NULL: not known */
	struct genres genre;
	uint64_t *item_genres; /* an item's genres, as bits; NULL: no genres */
	struct predict predict;
	float *offset;     /* of the items, in stars; NULL: not known */
	uint32_t *ratings; /* their numbers of ratings; NULL: not known */
	struct trap *trap; /* for the arrays; NULL: not mapped from a file */
};

#define MODEL_NONE UINT32_MAX

/* A model with zero factors and no neighbours, below `mem`. */
struct model *model_new(TALLOC_CTX *mem, uint32_t items, unsigned factors);

/* Was its file found truncated? NULL: no. */
bool model_is_truncated(const struct model *m);

/* The index of a number among n sorted ones; n: not found. */
size_t model_place(const int64_t *sorted, size_t n, int64_t wanted);

/*
 * Converts a user's ratings, oldest first: movies to items (MODEL_NONE: not in
 * the model), stars to preferences. Below `mem`.
 */
struct history model_history(TALLOC_CTX *mem, const struct model *m,
    const int64_t *movies, const int64_t *stars, size_t n);

/* The item of a movie, or MODEL_NONE. */
uint32_t model_find(const struct model *m, int64_t movie);

/* The index of a genre of the model, or MODEL_NONE. */
uint32_t model_genre(const struct model *m, int64_t genre);

/* Computes `gram` from the items' factors. */
void model_prepare(struct model *m);

/* The padded length of a row. */
size_t model_stride(unsigned factors);

/* Zeroed floats, aligned for vectors, below `mem`. */
float *model_floats(TALLOC_CTX *mem, size_t n);

#endif
