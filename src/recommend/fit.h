/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From ratings to a model: stars become preferences, both sides of the factors
 * are fitted, neighbours found, and the two put on one scale.
 */
#ifndef RECOMMEND_FIT_H
#define RECOMMEND_FIT_H

#include "base/base.h"

#include "recommend/als.h"
#include "recommend/model.h"
#include "recommend/near.h"

struct fit_options {
	struct als_options als;
	struct near_options near;
	struct taste taste;
	float near_share; /* the neighbours' deviation, the factors' being 1 */
};

/* What was found best (doc/recommender.md), on every processor. */
void fit_defaults(struct fit_options *o);

/*
 * Changes one setting: "name=value", value a number (for "stars" five, with
 * commas between). NULL, or what is wrong with it.
 */
const char *fit_set(TALLOC_CTX *mem, struct fit_options *o, const char *text);

/* The same of several, with blanks between. */
const char *fit_set_all(
    TALLOC_CTX *mem, struct fit_options *o, const char *text);

/* Does a text for the above say anything of what the order of ratings means? */
bool fit_sets_order(const char *text);

/* What differs from fit_defaults(), but for the threads; "": nothing. */
const char *fit_changed(TALLOC_CTX *mem, const struct fit_options *o);

/* Every setting but the threads, as fit_set() reads them, a line each. */
void fit_print(const struct fit_options *o, FILE *to);

/*
 * Fits. The values of `by_user` are stars and become preferences. Errors are
 * those of als_fit() and near_fit(). *loss may be NULL.
 */
must_check enum err fit_model(TALLOC_CTX *mem, struct sparse *by_user,
    const struct fit_options *o, struct model **out, double *loss);

/* A movie (as its item) has a genre. */
struct fit_genre {
	int64_t genre;
	uint32_t item;
};

/*
 * Gives the model its genres, of n pairs, genres rising. `ratings` are how many
 * each item has; NULL: all as many.
 */
void fit_genres(struct model *m, const uint32_t *ratings,
    const struct fit_genre *pairs, size_t n);

/* The most bytes that reading and fitting take at one time. */
size_t fit_memory(size_t ratings, uint32_t users, uint32_t items,
    const struct fit_options *o);

/* Bytes there are for us: what the machine and our group have left. */
size_t fit_memory_there(void);

#endif
