/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From criteria to movies, best first: ranking, bonuses, what the caller may be
 * shown, the limit per director, and padding.
 */
#ifndef RECOMMENDATIONS_CHOICE_H
#define RECOMMENDATIONS_CHOICE_H

#include "base/base.h"

#include "db/row.h"
#include "recommendations/caller.h"
#include "recommendations/ranking.h"

struct choice {
	struct caller caller;
	struct ranking *ranking; /* NULL: by popularity */
	struct rows rows;        /* of recommend_chosen or recommend_popular */
};

/*
 * Chooses with two statements. `model` may be NULL; without numbers of ratings
 * it is not used when popularity matters. Everything belongs to `mem`.
 */
enum err choice_make(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct criteria *criteria, struct choice *out);

#endif
