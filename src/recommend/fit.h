/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From ratings to a model: stars are converted to preferences, the factors of
 * users and items are fitted, neighbours are found, and both are put on one
 * scale.
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
	float
	    near_share; /* standard deviation of neighbour scores; factors: 1 */
};

/* The defaults (doc/recommender.md), using every processor. */
void fit_defaults(struct fit_options *o);

/*
 * Changes one setting: "name=value", value a number ("stars": five, separated
 * by commas). NULL, or the error.
 */
const char *fit_set(TALLOC_CTX *mem, struct fit_options *o, const char *text);

/* The same for several, separated by blanks. */
const char *fit_set_all(
    TALLOC_CTX *mem, struct fit_options *o, const char *text);

/* Does such a text set a weight of the order of ratings? */
bool fit_sets_order(const char *text);

/* The settings that differ from fit_defaults(), without threads; "": none. */
const char *fit_changed(TALLOC_CTX *mem, const struct fit_options *o);

/* All settings but threads, one per line, as fit_set() reads them. */
void fit_print(const struct fit_options *o, FILE *to);

/*
 * Fits. The values of `by_user` are stars and become preferences. Errors are
 * those of als_fit() and near_fit(). *loss may be NULL.
 */
enum err fit_model(TALLOC_CTX *mem, struct sparse *by_user,
    const struct fit_options *o, struct model **out, double *loss);

/* An item has a genre. */
struct fit_genre {
	int64_t genre;
	uint32_t item;
};

/*
 * Sets the genres of the model from n pairs sorted by genre. `ratings` are the
 * numbers of ratings of the items; NULL: all the same.
 */
void fit_genres(struct model *m, const uint32_t *ratings,
    const struct fit_genre *pairs, size_t n);

/* The peak memory of reading and fitting, in bytes. */
size_t fit_memory(size_t ratings, uint32_t users, uint32_t items,
    const struct fit_options *o);

/* Available bytes: of the machine and of our control groups. */
size_t fit_memory_there(void);

#endif
