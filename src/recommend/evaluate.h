/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The quality of lists: ratings of 4 stars or more among the last ones of each
 * user are held out, and searched in lists that were made without them.
 */
#ifndef RECOMMEND_EVALUATE_H
#define RECOMMEND_EVALUATE_H

#include "base/base.h"

#include "recommend/matrix.h"

#define EVALUATE_TOP   100  /* evaluated positions of a list */
#define EVALUATE_LIKED 4.0f /* stars of a rating that a list should have */

/* The length of the window: the last max(1, n / 5) of n ratings, or none. */
size_t evaluate_window(size_t n);

/*
 * Of each user's n settled triples the last max(1, n / 5) are the window,
 * unless these are all. Triples of the window with at least 4 stars are moved
 * to `held`.
 */
void evaluate_split(struct triples *triples, struct triples *held);

/*
 * The same for a matrix whose rows are in the order of time, only for the users
 * in `evaluated`, and for ratings of at least `least` stars: returns a new
 * matrix without the held-out ratings. Items that only they have are removed as
 * below; *numbers are the new numbers of all items.
 */
struct sparse *evaluate_hold_out(TALLOC_CTX *mem, const struct sparse *all,
    const bool *evaluated, float least, struct triples *held,
    const uint32_t **numbers);

/*
 * Removes items that only `held` has: they get the number RANK_NONE, the others
 * new numbers in the same order. Returns the new number of items.
 */
must_check uint32_t evaluate_renumber(
    struct triples *triples, struct triples *held, uint32_t items);

enum metric { RECALL_20, NDCG_10, NDCG_100, MAP_10, METRIC__MAX };

/* "Recall@20" and so on. */
const char *metric_name(enum metric m);

struct quality {
	uint32_t users; /* with held-out ratings */
	double mean[METRIC__MAX];
	double error[METRIC__MAX]; /* standard error over users */
	double coverage; /* share of the rated items that are in any top 20 */
};

/*
 * Evaluates lists of `top` items a user, padded with RANK_NONE. `held` are
 * triples sorted by user; a user or item that is not in `train` (its number not
 * below rows or columns) counts as not found.
 */
void evaluate_lists(const struct sparse *train, const struct triples *held,
    const uint32_t *lists, size_t top, struct quality *out);

#endif
