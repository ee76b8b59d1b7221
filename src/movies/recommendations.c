/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies the caller may like, and the same for a list that fills itself.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "movies/because.h"
#include "movies/choice.h"
#include "movies/fill.h"
#include "movies/movies.h"
#include "recommend/model.h"

#define RECOMMENDATIONS 20

/* Up to twenty movies as a bare list, best first, each with its reasons. */
enum err
movie_recommendations(struct req *r)
{
	struct wish wish = {
		.caller = r->account->id,
		.lang = r->lang,
		.origin = r->conf->public_origin,
		.size = RECOMMENDATIONS,
		.pad = true,
		.bonus = r->conf->recommend_bonus,
		.director = r->conf->recommend_director,
	};
	struct choice *choice = mem_new(r->mem, struct choice);
	struct because *because;
	struct row row;
	struct json *j;
	enum err e;

	e = choice_make(r->mem, r->db, r->model, &wish, choice);
	if (!e)
		e = because_read(r, choice, &because);
	if (e)
		return e;
	r->answer.passing = model_is_lost(r->model);
	j = reply_json(r, 200);
	json_list(j);
	for (int i = 0; i < choice->rows.count; i++) {
		rows_at(&choice->rows, i, &row);
		json_object(j);
		shape_columns(r, j, &row, movie_shape);
		json_key(j, "because");
		because_write(j, because, i);
		json_object_end(j);
	}
	json_list_end(j);
	return reply_done(r, j);
}

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
		.origin = "",
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
