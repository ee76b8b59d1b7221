/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How good lists are: what people rated 4 and more at the end of their time is
 * held out, and looked for in lists that were made without it.
 */
#ifndef RECOMMEND_EVALUATE_H
#define RECOMMEND_EVALUATE_H

#include "base/base.h"

#include "recommend/matrix.h"

#define EVALUATE_TOP 100 /* places of a list that are looked at */

/*
 * Of each user's n settled triples the last max(1, n / 5) are the window,
 * unless that is all there is; what in it has at least 4 stars goes into
 * `held`, everything else stays.
 */
void evaluate_split(struct triples *triples, struct triples *held);

/*
 * The same of a matrix whose rows stand in the order of time, and of those
 * users alone that `judged` says: what stays, in a matrix of its own, while
 * `all` stays as it is. Items that only the window has are forgotten as below;
 * *numbers are the new ones of all items.
 */
struct sparse *evaluate_hold(TALLOC_CTX *mem, const struct sparse *all,
    const bool *judged, struct triples *held, const uint32_t **numbers);

/*
 * Forgets items that only `held` has, as if nobody had ever named them: the
 * others get new numbers in the same order, these RANK_NONE. Returns how many
 * there are now.
 */
must_check uint32_t evaluate_forget(
    struct triples *triples, struct triples *held, uint32_t items);

enum metric { RECALL_20, NDCG_10, NDCG_100, MAP_10, METRIC__MAX };

/* "Recall@20" and so on. */
const char *metric_name(enum metric m);

struct quality {
	uint32_t users; /* that have something held out */
	double mean[METRIC__MAX];
	double error[METRIC__MAX]; /* standard error over users */
	double coverage; /* rated items that are in somebody's first twenty */
};

/*
 * Judges lists of `top` items a user, RANK_NONE behind their end. `held` are
 * triples sorted by user; a user or an item that is not in `train` (its number
 * not below rows or columns) counts and is never found.
 */
void evaluate_lists(const struct sparse *train, const struct triples *held,
    const uint32_t *lists, size_t top, struct quality *out);

#endif
