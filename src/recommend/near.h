/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neighbours of items: movies that users rated at about the same time. Two
 * ratings g apart in a user's order add exp(-g / fade) to the similarity of the
 * two items; the sum is divided by the square roots of their numbers of
 * ratings. The most similar items of each item are stored.
 */
#ifndef RECOMMEND_NEAR_H
#define RECOMMEND_NEAR_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"
#include "recommend/model.h"

struct near_options {
	unsigned keep;  /* neighbours of an item; 0: none */
	unsigned reach; /* ratings further apart are ignored */
	float fade;
	float damping; /* added to the number of ratings of an item */
	unsigned threads;
	const volatile sig_atomic_t *stop;
	/* called with 0 first, then repeatedly, by the calling thread; may be
	 * NULL */
	void (*report)(void *report_arg, size_t items_done, size_t items);
	void *report_arg;
};

/*
 * Fills `near`, whose arrays are below `mem`, from rows in the order of time
 * and their transpose. ERR_UNAVAILABLE: stopped.
 */
enum err near_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct near_options *o,
    struct near *near);

/* Peak memory in bytes; 8 per item and neighbour remain allocated. */
size_t near_memory(
    size_t ratings, uint32_t items, const struct near_options *o);

#endif
