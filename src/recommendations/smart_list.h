/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The movies of a smart list ("intelligent" in the API), which fills itself:
 * the same ranking as the recommendations, limited to genres, first the films
 * of the given celebrities and friends, and without padding (contract,
 * movies 6.7).
 */
#ifndef RECOMMENDATIONS_SMART_LIST_H
#define RECOMMENDATIONS_SMART_LIST_H

#include "base/base.h"

#include "db/db.h"
#include "recommend/model.h"
#include "recommendations/caller.h"

#define SMART_LIST_SIZE 40

struct smart_list {
	int64_t owner;
	struct name_filter genres; /* none: any */
	struct name_filter celebrities;
	struct name_filter friends;
	double bonus;    /* setting recommend_bonus */
	double director; /* setting recommend_director */
};

/*
 * The movies, best first, at most SMART_LIST_SIZE, below `mem`. It only reads;
 * the caller stores them in the statement that creates the list. Unknown names
 * (or users who are not friends) are ignored; the caller checks them. `model`
 * may be NULL.
 */
enum err smart_list_choose(TALLOC_CTX *mem, struct db *db,
    const struct model *model, const struct smart_list *list, struct ids *out);

#endif
