/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings and models made up for measuring: as many as a site could have, and
 * as unevenly spread, but without any meaning.
 */
#ifndef BENCH_MADE_H
#define BENCH_MADE_H

#include "base/base.h"

#include "recommend/matrix.h"
#include "recommend/model.h"

/* So many people and movies, and about so many ratings. */
struct shape {
	uint32_t users;
	uint32_t items;
	size_t ratings;
	double spare; /* so many drawn for one, since no pair counts twice */
};

/* In (0, 1), the same ones every time. */
double made_uniform(void);

/* Users log-normal, items after Zipf with a flattened head. */
struct sparse *made_ratings(TALLOC_CTX *mem, const struct shape *shape);

/* The same, a line each of user,item,rating,timestamp. false: errno says it. */
must_check bool made_table(const char *path, const struct shape *shape);

/* Random factors, and MADE_NEAR neighbours an item; ids are 1 and up. */
#define MADE_NEAR 300
struct model *made_model(TALLOC_CTX *mem, uint32_t items, unsigned factors);

/* Such a model as a file for mxmd. false: errno says why not. */
must_check bool made_model_file(const char *path, uint32_t items);

#endif
