/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The choice. The ranking scores, SQL adds the bonuses of friends and awards
 * and filters what the caller may be shown: the best sixty, and those that a
 * friend can bring among them, are passed to SQL, and more if too few of them
 * pass the filter. All are passed where SQL selects films of any rank to come
 * first.
 */
#include "base/base.h"

#include "base/mem.h"
#include "db/query.h"
#include "recommendations/choice.h"

#define CANDIDATES 60
#define WIDER      30 /* factor for the next try */

/*
 * What a standard deviation of the logarithm of the number of ratings adds at
 * popular = 1, as a share of the spread of the scores.
 */
#define POPULAR_SHARE 0.5

static struct arg
arg_year(int64_t year)
{
	return year ? arg_id(year) : arg_null();
}

/* The limit per director. */
static int
cap_of(const struct criteria *criteria)
{
	int cap = (int)(criteria->director * criteria->size);

	return cap > 1 ? cap : 1;
}

/* How many were chosen, without padding. */
static int
count_chosen(const struct rows *rows)
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
choose_ranked(TALLOC_CTX *mem, struct db *db, const struct criteria *criteria,
    struct ranking *ranking, struct rows *out)
{
	double point = ranking_bonuses(
	    ranking, criteria->bonus, criteria->popular * POPULAR_SHARE);
	double friend = point * BONUS_FRIEND, *scores;
	size_t all = ranking_size(ranking);
	size_t top = criteria->first ? all : CANDIDATES, n;
	int64_t *movies;
	enum err e;

	for (;; top *= WIDER) {
		bool last = top >= all;

		top = last ? all : top;
		n = ranking_near(ranking, top, friend);
		movies = mem_array(mem, int64_t, n + 1);
		scores = mem_array(mem, double, n + 1);
		n = ranking_top(ranking, n, movies, scores);
		if (ranking_is_truncated(ranking))
			return ERR_OK;
		e = query_all(mem, db, out, SQL_recommend_chosen,
		    arg_text(lang_code(criteria->lang)),
		    arg_id(criteria->caller), arg_names(&criteria->friends),
		    arg_names(&criteria->celebrities),
		    arg_names(&criteria->genres),
		    arg_names(&criteria->without_genres),
		    arg_names(&criteria->platforms),
		    arg_year(criteria->year_from), arg_year(criteria->year_to),
		    arg_int(criteria->size), arg_int(cap_of(criteria)),
		    arg_bool(criteria->pad && last), arg_bool(criteria->first),
		    arg_id((int64_t)top), arg_int_array(movies, n),
		    arg_double_array(scores, n),
		    arg_double(point * BONUS_AWARD), arg_double(friend));
		if (e || last || count_chosen(out) >= criteria->size)
			return e;
	}
}

static enum err
choose_popular(TALLOC_CTX *mem, struct db *db, const struct criteria *criteria,
    struct rows *out)
{
	return query_all(mem, db, out, SQL_recommend_popular,
	    arg_text(lang_code(criteria->lang)), arg_id(criteria->caller),
	    arg_names(&criteria->friends), arg_names(&criteria->celebrities),
	    arg_names(&criteria->genres), arg_names(&criteria->without_genres),
	    arg_names(&criteria->platforms), arg_year(criteria->year_from),
	    arg_year(criteria->year_to), arg_int(criteria->size),
	    arg_int(cap_of(criteria)), arg_bool(criteria->pad),
	    arg_bool(criteria->first), arg_double(criteria->bonus),
	    arg_double(criteria->popular * POPULAR_SHARE));
}

enum err
choice_make(TALLOC_CTX *mem, struct db *db, const struct model *model,
    const struct criteria *criteria, struct choice *out)
{
	enum err e;

	memset(out, 0, sizeof *out);
	if (model && (criteria->popular == 0 || model->ratings)) {
		e = caller_read(mem, db, criteria, &out->caller);
		if (e)
			return e;
		out->ranking = ranking_new(mem, model, &out->caller);
	}
	if (out->ranking) {
		e = choose_ranked(mem, db, criteria, out->ranking, &out->rows);
		if (e || !ranking_is_truncated(out->ranking))
			return e;
		out->ranking = NULL;
	}
	return choose_popular(mem, db, criteria, &out->rows);
}
