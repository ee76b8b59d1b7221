/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The movies of a smart list.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommendations/choice.h"
#include "recommendations/smart_list.h"

/* If none are given, no name matches, instead of all. */
static struct name_filter
none_but(const struct name_filter *names)
{
	static const char *const none[1] = { NULL };

	if (names->text)
		return *names;
	return (struct name_filter){ none, 0 };
}

enum err
smart_list_choose(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct smart_list *list, struct ids *out)
{
	struct criteria criteria = {
		.caller = list->owner,
		.friends = none_but(&list->friends),
		.celebrities = none_but(&list->celebrities),
		.genres = list->genres,
		.size = SMART_LIST_SIZE,
		.first = list->celebrities.n + list->friends.n > 0,
		.bonus = list->bonus,
		.director = list->director,
	};
	struct choice *choice = mem_new(mem, struct choice);
	struct row row;
	int64_t *ids;
	enum err e;

	*out = (struct ids){ 0 };
	e = choice_make(mem, db, model, &criteria, choice);
	if (e)
		return e;
	ids = mem_array(mem, int64_t, (size_t)choice->rows.count + 1);
	for (int i = 0; i < choice->rows.count; i++) {
		rows_at(&choice->rows, i, &row);
		ids[i] = row_id(&row, "id");
	}
	*out = (struct ids){ ids, (size_t)choice->rows.count };
	return ERR_OK;
}
