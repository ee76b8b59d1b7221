/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists for everybody at once, each as serving would rank for that person.
 */
#ifndef RECOMMEND_RANK_H
#define RECOMMEND_RANK_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"
#include "recommend/model.h"
#include "recommend/parallel.h"

#define RANK_NONE UINT32_MAX /* a list ends early */

struct rank_options {
	size_t top;
	const bool *only; /* by user: is to be ranked; NULL: all are. The lists
			   * of the others hold nothing of meaning. */
	unsigned threads;
	const volatile sig_atomic_t *stop;
	/* told now and then by one thread; NULL: nobody is */
	void (*tell)(void *teller, size_t users_done);
	void *teller;
};

/*
 * For each user `top` items that she has not rated, best first, of those that
 * anybody has. Values of `by_user` are preferences. ERR_UNAVAILABLE: stopped.
 */
must_check enum err rank_all(TALLOC_CTX *mem, const struct model *model,
    const struct sparse *by_user, const struct rank_options *o,
    uint32_t **lists);

/* The same by how many ratings an item has. */
must_check enum err rank_popular(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct rank_options *o, uint32_t **lists);

#endif
