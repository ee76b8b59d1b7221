/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes into a list that fills itself.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommendations/choice.h"
#include "recommendations/smart_list.h"

/* Nothing wished for is no name at all, not any. */
static struct names_wished
none_but(const struct names_wished *names)
{
	static const char *const none[1] = { NULL };

	if (names->text)
		return *names;
	return (struct names_wished){ none, 0 };
}

enum err
fill_choose(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct fill *fill, struct ids *out)
{
	struct wish wish = {
		.caller = fill->owner,
		.friends = none_but(&fill->friends),
		.celebrities = none_but(&fill->celebrities),
		.genres = fill->genres,
		.size = FILL_SIZE,
		.bonus = fill->bonus,
		.director = fill->director,
	};
	struct choice *choice = mem_new(mem, struct choice);
	struct row row;
	int64_t *ids;
	enum err e;

	*out = (struct ids){ 0 };
	e = choice_make(mem, db, model, &wish, choice);
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
