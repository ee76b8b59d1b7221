/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neighbours of items: films that people rated at about the same time. Two
 * ratings of one user that stand g apart in her order bring the two items
 * exp(-g / fade) nearer; the sum is divided by the square roots of how often
 * either was rated. The few nearest of each item are kept.
 */
#ifndef RECOMMEND_NEAR_H
#define RECOMMEND_NEAR_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"
#include "recommend/model.h"

struct near_options {
	unsigned keep;  /* neighbours of an item; 0: none at all */
	unsigned reach; /* ratings further apart do not count */
	float fade;
	float damping; /* added to how often an item was rated */
	unsigned threads;
	const volatile sig_atomic_t *stop;
	/* told first with 0, then now and then, by the thread that asked; NULL:
	 * nobody is */
	void (*tell)(void *teller, size_t items_done, size_t items);
	void *teller;
};

/*
 * Fills `near` (whose arrays hang below `mem`) from rows that stand in the
 * order of time, and their transpose. ERR_UNAVAILABLE: stopped.
 */
must_check enum err near_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct near_options *o,
    struct near *near);

/* Bytes it takes, of which all but 8 an item and neighbour are given back. */
size_t near_memory(
    size_t ratings, uint32_t items, const struct near_options *o);

#endif
