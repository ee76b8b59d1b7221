/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What serving needs of a training: the items' factors, each item's
 * neighbours, and how ratings are to be read. A person's factors are not in
 * it; they are made from her current ratings at every request (fold.h).
 */
#ifndef RECOMMEND_MODEL_H
#define RECOMMEND_MODEL_H

#include "base/base.h"

#include "recommend/taste.h"
#include "recommend/trap.h"

#define MODEL_LANES 8 /* rows are padded with zeros to so many floats */

/* Item i's neighbours: index[start[i]] .. index[start[i + 1] - 1], rising. */
struct near {
	size_t n; /* of all items; nothing beyond them is looked at */
	size_t *start;
	uint32_t *index;
	float *weight;
};

/*
 * The genres of the items: the mean factors of each, for a movie that nobody
 * rated, and how large a share of all ratings it has.
 */
struct genres {
	uint32_t n;
	int64_t *id;   /* rising */
	float *factor; /* n rows of factors, 32 bytes aligned */
	float *share;
};

#define MODEL_GENRES 64 /* genres that count in a score; of more, the first */

struct model {
	uint32_t items;
	unsigned factors;
	size_t stride; /* floats from one row to the next */
	float *item;   /* items rows of factors, 32 bytes aligned */
	float *gram;   /* stride rows: unobserved times item'item */
	float *mean;   /* a row: the mean factors of people */
	float regularization;
	float unobserved;
	struct near near;
	float near_scale; /* from the neighbours' scale to the factors' */
	struct taste taste;
	int64_t *id; /* the movies of the items, rising; NULL: not known */
	struct genres genre;
	uint64_t *item_genres; /* an item's genres, as bits; NULL: no genres */
	struct trap *trap;     /* around the arrays; NULL: they are no file's */
};

#define MODEL_NONE UINT32_MAX

/* Room for a model's factors, all zero, below `mem`; no neighbours yet. */
struct model *model_new(TALLOC_CTX *mem, uint32_t items, unsigned factors);

/* Has its file been found cut off? Of no model: no. */
bool model_is_lost(const struct model *m);

/* The place of a number among n rising ones; n: it is not there. */
size_t model_place(const int64_t *rising, size_t n, int64_t wanted);

/*
 * Ratings of a person, oldest first, as a model reads them: movies become items
 * (MODEL_NONE where it does not know them), stars preferences. Below `mem`.
 */
struct history model_history(TALLOC_CTX *mem, const struct model *m,
    const int64_t *movies, const int64_t *stars, size_t n);

/* The item that stands for a movie, or MODEL_NONE. */
uint32_t model_find(const struct model *m, int64_t movie);

/* The number of a genre among the model's, or MODEL_NONE. */
uint32_t model_genre(const struct model *m, int64_t genre);

/* Makes `gram` from the items' factors. */
void model_prepare(struct model *m);

/* Floats in a row for so many factors. */
size_t model_stride(unsigned factors);

/* Zeroed floats on a boundary that vectors like, below `mem`. */
float *model_floats(TALLOC_CTX *mem, size_t n);

#endif
