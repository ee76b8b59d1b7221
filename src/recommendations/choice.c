/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The choice. SQL knows who may be shown what, the ranking what is liked: the
 * best sixty go to SQL, and more when too few of them come back.
 */
#include "base/base.h"

#include "base/mem.h"
#include "db/query.h"
#include "recommendations/choice.h"

#define CANDIDATES 60
#define WIDER      30 /* times as many at the next try */

/* At most so many of one director. */
static int
cap_of(const struct wish *wish)
{
	int cap = (int)(wish->director * wish->size);

	return cap > 1 ? cap : 1;
}

/* How many were chosen, padding apart. */
static int
found_in(const struct rows *rows)
{
	struct row row;
	int n = 0;

	for (int i = 0; i < rows->count; i++) {
		rows_at(rows, i, &row);
		n += !row_bool(&row, "padded");
	}
	return n;
}

static enum err
choose_ranked(TALLOC_CTX *mem, struct db *db, const struct wish *wish,
    struct ranking *ranking, struct rows *out)
{
	double point = ranking_bonuses(ranking, wish->bonus), *scores;
	size_t all = ranking_size(ranking), top = CANDIDATES, n;
	int64_t *movies;
	enum err e;

	for (;; top *= WIDER) {
		bool last = top >= all;

		top = last ? all : top;
		movies = mem_array(mem, int64_t, top + 1);
		scores = mem_array(mem, double, top + 1);
		n = ranking_top(ranking, top, movies, scores);
		if (ranking_is_lost(ranking))
			return ERR_OK;
		e = query_all(mem, db, out, SQL_recommend_chosen,
		    arg_text(lang_code(wish->lang)), arg_id(wish->caller),
		    arg_names(&wish->friends), arg_names(&wish->celebrities),
		    arg_names(&wish->genres), arg_int(wish->size),
		    arg_int(cap_of(wish)), arg_bool(wish->pad && last),
		    arg_int_array(movies, n), arg_double_array(scores, n),
		    arg_double(point * BONUS_AWARD));
		if (e || last || found_in(out) >= wish->size)
			return e;
	}
}

static enum err
choose_popular(
    TALLOC_CTX *mem, struct db *db, const struct wish *wish, struct rows *out)
{
	return query_all(mem, db, out, SQL_recommend_popular,
	    arg_text(lang_code(wish->lang)), arg_id(wish->caller),
	    arg_names(&wish->friends), arg_names(&wish->celebrities),
	    arg_names(&wish->genres), arg_int(wish->size),
	    arg_int(cap_of(wish)), arg_bool(wish->pad),
	    arg_double(wish->bonus));
}

enum err
choice_make(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct wish *wish, struct choice *out)
{
	enum err e;

	memset(out, 0, sizeof *out);
	if (model) {
		e = caller_read(mem, db, wish, &out->caller);
		if (e)
			return e;
		out->ranking = ranking_new(mem, model, &out->caller);
	}
	if (out->ranking) {
		e = choose_ranked(mem, db, wish, out->ranking, &out->rows);
		if (e || !ranking_is_lost(out->ranking))
			return e;
		out->ranking = NULL;
	}
	return choose_popular(mem, db, wish, &out->rows);
}
