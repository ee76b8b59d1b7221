/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks for the settings that suit some ratings: holds out what people liked
 * last, and changes one thing after the other as long as more of it is found.
 */
#ifndef RECOMMEND_TUNE_H
#define RECOMMEND_TUNE_H

#include "base/base.h"

#include "recommend/fit.h"

/* With more ratings than that, some of the people are enough to judge by. */
#define TUNE_RATINGS  ((size_t)2000000)
#define ORDER_RATINGS ((size_t)500000)

/* Of fewer people nothing is believed. */
#define TUNE_PEOPLE 50

struct tune {
	const struct triples *triples; /* settled; left alone */
	uint32_t users;
	uint32_t items;
	/* told after each trial: what was tried ("" at first), NDCG@100, and
	 * whether it is kept; NULL: nobody is */
	void (*tell)(
	    void *teller, const char *tried, double quality, bool kept);
	/* told how far it is, 0 to 1, by the thread that asked; NULL: nobody */
	void (*advance)(void *teller, double share);
	void *teller; /* of both */
};

/* One of so many people is enough, of so many ratings. */
size_t tune_step(size_t ratings, size_t most);

/*
 * Begins with `o` and leaves the best in it. ERR_NOT_FOUND: nobody's last
 * ratings hold anything to be found. Else the errors of fit_model().
 */
must_check enum err tune_settings(const struct tune *t, struct fit_options *o);

/* NDCG@100 with the order of ratings as `o` has it, and without. */
struct tune_order {
	bool asked;   /* enough people's last ratings hold something */
	bool ignored; /* it is better without */
	double with;
	double without;
};

/*
 * Asks only what matters most: does the order in which people rated mean
 * anything? Where it does not (times were made up), `o` ignores it afterwards.
 * Errors are those of fit_model() but ERR_INVALID. tell() is not called.
 */
must_check enum err tune_order(
    const struct tune *t, struct fit_options *o, struct tune_order *out);

/* Bytes that judging takes at most beside the ratings and fit_memory(). */
size_t tune_memory(size_t ratings, size_t most);

#endif
