/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranked lists for all users, each as serving would rank for that user.
 */
#ifndef RECOMMEND_RANK_H
#define RECOMMEND_RANK_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"
#include "recommend/model.h"
#include "recommend/parallel.h"

#define RANK_NONE UINT32_MAX /* padding of a short list */

struct rank_options {
	size_t top;
	const bool *
	    only; /* by user: rank them; NULL: all. Other lists are undefined */
	unsigned threads;
	const volatile sig_atomic_t *stop;
	/* called repeatedly by one thread; may be NULL */
	void (*report)(void *report_arg, size_t users_done);
	void *report_arg;
};

/*
 * For each user the best `top` items that they have not rated and that have any
 * rating, best first. Values of `by_user` are preferences. ERR_UNAVAILABLE:
 * stopped.
 */
enum err rank_all(TALLOC_CTX *mem, const struct model *model,
    const struct sparse *by_user, const struct rank_options *o,
    uint32_t **lists);

/* The same by the number of ratings of an item. */
enum err rank_popular(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct rank_options *o, uint32_t **lists);

#endif
