/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes into a list that fills itself ("intelligent" in the API): the same
 * ranking as the recommendations, limited to genres, with the celebrities and
 * friends that were named, and without padding (contract, movies 6.7).
 */
#ifndef RECOMMENDATIONS_SMART_LIST_H
#define RECOMMENDATIONS_SMART_LIST_H

#include "base/base.h"

#include "db/db.h"
#include "recommend/model.h"
#include "recommendations/caller.h"

#define FILL_SIZE 40

struct fill {
	int64_t owner;
	struct names_wished genres; /* none: any */
	struct names_wished celebrities;
	struct names_wished friends;
	double bonus;    /* setting recommend_bonus */
	double director; /* setting recommend_director */
};

/*
 * The movies, best first, at most FILL_SIZE, below `mem`. It only reads, so
 * that whoever makes the list stores it in the statement that makes it. Names
 * that are not there (or not of friends) count for nothing; to complain of them
 * is the caller's business. `model` may be NULL.
 */
enum err fill_choose(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct fill *fill, struct ids *out);

#endif
