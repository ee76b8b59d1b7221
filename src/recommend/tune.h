/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Searches for the best settings for some ratings: holds out the last ratings
 * of the users, and changes one setting after the other while the quality
 * grows.
 */
#ifndef RECOMMEND_TUNE_H
#define RECOMMEND_TUNE_H

#include "base/base.h"

#include "recommend/fit.h"

/* With more ratings than that, a sample of the users is taken. */
#define TUNE_RATINGS  ((size_t)2000000)
#define ORDER_RATINGS ((size_t)500000)

/* With fewer users the quality is not significant. */
#define TUNE_USERS_MIN 50

struct tune {
	const struct triples *triples; /* settled; left alone */
	uint32_t users;
	uint32_t items;
	/* called after each trial: the settings ("" at first), NDCG@100, and
	 * whether it is the best so far; may be NULL */
	void (*report)(
	    void *report_arg, const char *tried, double quality, bool kept);
	/* called with the progress, 0 to 1, by the calling thread; may be
	 * NULL */
	void (*report_share)(void *report_arg, double share);
	void *report_arg; /* for both */
};

/* Every how many users one is in the sample, for so many ratings. */
size_t tune_step(size_t ratings, size_t most);

/*
 * Starts with `o` and stores the best settings in it. ERR_NOT_FOUND: there are
 * no held-out ratings. Otherwise the errors of fit_model().
 */
enum err tune_settings(const struct tune *t, struct fit_options *o);

/* NDCG@100 with the order of ratings as `o` has it, and without. */
struct tune_order {
	bool tested;  /* there were enough held-out ratings */
	bool ignored; /* the quality is better without */
	double with;
	double without;
};

/*
 * Tests only the most important choice: does the order of the ratings improve
 * the quality? If not (times are artificial), `o` ignores it afterwards. Errors
 * are those of fit_model() except ERR_INVALID. report() is not called.
 */
enum err tune_order(
    const struct tune *t, struct fit_options *o, struct tune_order *out);

/* Peak memory in bytes besides the ratings and fit_memory(). */
size_t tune_memory(size_t ratings, size_t most);

#endif
