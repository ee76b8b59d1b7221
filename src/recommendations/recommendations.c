/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies the caller may like.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "movies/movies.h"
#include "recommend/model.h"
#include "recommendations/choice.h"
#include "recommendations/reasons.h"
#include "recommendations/steering.h"

#define RECOMMENDATIONS 20

/*
 * Up to twenty movies as a bare list, best first, each with its reasons;
 * limited by the parameters.
 */
enum err
movie_recommendations(struct req *r)
{
	struct criteria criteria = {
		.caller = r->account->id,
		.lang = r->lang,
		.size = RECOMMENDATIONS,
		.pad = true,
		.bonus = r->conf->recommend_bonus,
		.director = r->conf->recommend_director,
	};
	struct choice *choice = mem_new(r->mem, struct choice);
	struct reasons *reasons;
	struct row row;
	struct json *j;
	enum err e;

	e = steering_read(r, &criteria);
	if (!e)
		e = choice_make(r->mem, r->db, r->model, &criteria, choice);
	if (!e)
		e = reasons_read(r, choice, &reasons);
	if (e)
		return e;
	/* By popularity the order follows every rating of every user. */
	r->answer.no_store = !choice->ranking || model_is_truncated(r->model);
	j = reply_json(r, 200);
	json_list(j);
	for (int i = 0; i < choice->rows.count; i++) {
		rows_at(&choice->rows, i, &row);
		json_object(j);
		shape_columns(r, j, &row, movie_shape);
		json_key(j, "because");
		reasons_write(j, reasons, i);
		json_object_end(j);
	}
	json_list_end(j);
	return reply_done(r, j);
}
