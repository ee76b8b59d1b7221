/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend explain USER MOVIE: the rank of a movie for a user, and the
 * part of each of their ratings in its score.
 */
#include "base/base.h"

#include <math.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/recommend/recommend.h"
#include "db/query.h"
#include "recommend/loader.h"
#include "recommendations/ranking.h"

#define SHOWN 20 /* ratings in the text; --json has all */

/* One rating's part of the score. */
struct part {
	size_t rating; /* as in struct caller */
	float value;
};

struct explanation {
	struct row who; /* recommend_explained */
	const struct stamp *stamp;
	struct caller caller;
	struct part *parts; /* sorted by absolute value, largest first */
	struct rows titles;
	bool known; /* in the model, or scored by people and genres */
	double taste;
	double common;  /* of it, the mean factors */
	double friends; /* bonuses */
	double celebrities;
	double award;
	double point; /* the score of one bonus point */
	double score; /* the sum */
	size_t place; /* 1: the best; 0: not ranked */
	size_t places;
};

static bool
is_among(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->id[i] == id)
			return true;
	}
	return false;
}

static int
by_size(const void *a, const void *b)
{
	float x = fabsf(((const struct part *)a)->value);
	float y = fabsf(((const struct part *)b)->value);

	return x > y ? -1 : x < y;
}

/* ---------------------------------------------------------------- computing */

/* The rank by the printed score, which includes awards. */
static int
find_place(struct task *t, const struct ranking *r, struct explanation *x)
{
	TALLOC_CTX *mem = t->mem;
	size_t n = ranking_size(r);
	int64_t *movies = mem_array(mem, int64_t, n + 1);
	double *scores = mem_array(mem, double, n + 1);
	int64_t movie = row_id(&x->who, "movie_id");
	struct ids awarded;
	struct row row;

	if (query_one(mem, t->db, &row, SQL_recommend_awarded_all, NO_ARGS))
		return recommend_db_error(t);
	awarded.id = row_id_array(mem, &row, "awarded", &awarded.n);
	x->places = ranking_top(r, n, movies, scores);
	for (size_t i = 0; i < x->places; i++) {
		if (movies[i] == movie)
			x->place = 1;
	}
	for (size_t i = 0; i < x->places && x->place > 0; i++) {
		double score = scores[i];

		if (model_place(awarded.id, awarded.n, movies[i]) < awarded.n)
			score += x->point * BONUS_AWARD;
		x->place += movies[i] != movie && score > x->score;
	}
	return EX_OK;
}

static void
find_parts(TALLOC_CTX *mem, const struct ranking *r, struct explanation *x)
{
	size_t n = x->caller.rated.n;
	float *parts = mem_array(mem, float, n + 1), common;
	int64_t movie = row_id(&x->who, "movie_id");

	x->known = ranking_parts(r, movie, parts, &common);
	x->common = (double)common;
	x->taste = x->known ? (double)ranking_taste(r, movie) : 0;
	x->parts = mem_array(mem, struct part, n + 1);
	for (size_t j = 0; j < n; j++)
		x->parts[j] = (struct part){ j, parts[j] };
	qsort(x->parts, n, sizeof *x->parts, by_size);
}

static void
find_bonuses(
    struct task *t, struct ranking *r, struct explanation *x, int64_t movie)
{
	double point = ranking_bonuses(r, t->ctl->conf->recommend_bonus, 0);

	x->point = point;
	if (is_among(&x->caller.liked, movie))
		x->friends = point * BONUS_FRIEND;
	if (is_among(&x->caller.starring, movie))
		x->celebrities = point * BONUS_CELEBRITY;
	if (row_bool(&x->who, "awarded"))
		x->award = point * BONUS_AWARD;
	x->score = x->taste + x->friends + x->celebrities + x->award;
}

static int
find_who(struct task *t, struct explanation *x)
{
	if (query_one(t->mem, t->db, &x->who, SQL_recommend_explained,
		arg_text(t->options.operands[0]),
		arg_text(t->options.operands[1])))
		return recommend_db_error(t);
	if (row_is_null(&x->who, "user_id")) {
		ctl_error(t->ctl, "there is no user \"%s\"\n",
		    t->options.operands[0]);
		return EX_NOUSER;
	}
	if (row_is_null(&x->who, "movie_id")) {
		ctl_error(t->ctl,
		    "there is no movie \"%s\"; use its slug, "
		    "as in its URL\n",
		    t->options.operands[1]);
		return EX_NOINPUT;
	}
	return EX_OK;
}

static int
find_all(struct task *t, struct explanation *x)
{
	struct criteria criteria = { .caller = row_id(&x->who, "user_id") };
	struct loader *loader = loader_new(t->mem, t->ctl->conf->model_file);
	const struct model *model = loader_model(loader);
	struct ranking *ranking;
	struct row row;

	if (!model) {
		ctl_error(t->ctl,
		    "there is no model in %s; \"mxmctl "
		    "recommend train\" publishes one, and mxm-jobs fetches "
		    "it\n",
		    t->ctl->conf->model_file);
		return EX_NOINPUT;
	}
	x->stamp = loader_stamp(loader);
	if (caller_read(t->mem, t->db, &criteria, &x->caller) ||
	    query_one(t->mem, t->db, &row, SQL_recommend_liked_all,
		arg_id(criteria.caller)))
		return recommend_db_error(t);
	x->caller.liked.id =
	    row_id_array(t->mem, &row, "liked", &x->caller.liked.n);
	ranking = ranking_new(t->mem, model, &x->caller);
	if (!ranking && !model_is_truncated(model)) {
		ctl_error(t->ctl,
		    "%s has rated no movie of the model, so "
		    "popular movies are shown\n",
		    row_text(&x->who, "username"));
		return EX_DATAERR;
	}
	if (ranking) {
		find_parts(t->mem, ranking, x);
		find_bonuses(t, ranking, x, row_id(&x->who, "movie_id"));
		if (find_place(t, ranking, x) != EX_OK)
			return EX_UNAVAILABLE;
	}
	if (model_is_truncated(model)) {
		ctl_error(t->ctl,
		    "%s was truncated while it was read; "
		    "mxm-jobs fetches it again; retry\n",
		    t->ctl->conf->model_file);
		return EX_TEMPFAIL;
	}
	if (query_all(t->mem, t->db, &x->titles, SQL_recommend_titles,
		arg_text("en"),
		arg_int_array(x->caller.rated.id, x->caller.rated.n)))
		return recommend_db_error(t);
	return EX_OK;
}

/* ------------------------------------------------------------------- output */

/* The title of a rated movie; "(deleted)" if it was deleted. */
static const char *
title_of(const struct explanation *x, size_t rating, const char **slug)
{
	struct row row;

	for (int i = 0; i < x->titles.count; i++) {
		rows_at(&x->titles, i, &row);
		if (row_id(&row, "id") != x->caller.rated.id[rating])
			continue;
		*slug = row_text(&row, "slug");
		return row_text(&row, "title");
	}
	*slug = NULL;
	return "(deleted)";
}

/* NULL, or why the movie is not shown whatever its score. */
static const char *
obstacle(const struct explanation *x)
{
	if (!row_is_null(&x->who, "stars"))
		return "the user has rated it";
	if (row_bool(&x->who, "unseen"))
		return "the user has marked it as unseen";
	if (!row_bool(&x->who, "released"))
		return "it is not released yet";
	if (!row_bool(&x->who, "on_platform"))
		return "it is on none of the user's platforms";
	if (!x->known)
		return "the model has neither it nor its people and genres";
	return NULL;
}

static int
print_json(struct task *t, const struct explanation *x)
{
	struct json *j = ctl_json(t->ctl);
	const char *slug;

	json_object(j);
	json_key(j, "user");
	json_text(j, row_text(&x->who, "username"));
	json_key(j, "movie");
	json_text(j, row_text(&x->who, "slug"));
	json_key(j, "model");
	json_int(j, (int64_t)x->stamp->version);
	json_key(j, "not_shown");
	json_text(j, obstacle(x));
	json_key(j, "place");
	json_int(j, (int64_t)x->place);
	json_key(j, "places");
	json_int(j, (int64_t)x->places);
	json_key(j, "score");
	json_double(j, x->score);
	json_key(j, "taste");
	json_double(j, x->taste);
	json_key(j, "common");
	json_double(j, x->common);
	json_key(j, "friends");
	json_double(j, x->friends);
	json_key(j, "celebrities");
	json_double(j, x->celebrities);
	json_key(j, "award");
	json_double(j, x->award);
	json_key(j, "ratings");
	json_list(j);
	for (size_t i = 0; i < x->caller.rated.n; i++) {
		const struct part *part = &x->parts[i];

		json_object(j);
		json_key(j, "title");
		json_text(j, title_of(x, part->rating, &slug));
		json_key(j, "movie");
		json_text(j, slug);
		json_key(j, "rating");
		json_int(j, x->caller.stars[part->rating]);
		json_key(j, "part");
		json_double(j, (double)part->value);
		json_object_end(j);
	}
	json_list_end(j);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static void
print_bonus(const char *name, double value)
{
	if (fabs(value) > 0)
		printf("%+9.4f  %s\n", value, name);
}

static int
print_text(const struct explanation *x)
{
	const char *why = obstacle(x), *slug;
	size_t n = x->caller.rated.n;
	double rest = 0;

	printf("%s for %s, by model %" PRIu64 "\n", row_text(&x->who, "title"),
	    row_text(&x->who, "username"), x->stamp->version);
	if (why)
		printf("not shown: %s\n", why);
	else
		printf(
		    "rank %zu of %zu by score, before platforms and the limit "
		    "per director\n",
		    x->place, x->places);
	printf("\n%9.4f  score\n", x->score);
	print_bonus("mean factors", x->common);
	print_bonus("friends who like it", x->friends);
	print_bonus("celebrities the user follows", x->celebrities);
	print_bonus("an award", x->award);
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		const struct part *part = &x->parts[i];

		int64_t stars = x->caller.stars[part->rating];

		printf("%+9.4f  %" PRId64 " star%s for %s\n",
		    (double)part->value, stars, PLURAL(stars),
		    title_of(x, part->rating, &slug));
	}
	for (size_t i = SHOWN; i < n; i++)
		rest += (double)x->parts[i].value;
	if (n > SHOWN)
		printf("%+9.4f  %zu further rating%s\n", rest, n - SHOWN,
		    PLURAL(n - SHOWN));
	return EX_OK;
}

int
recommend_explain(struct task *t)
{
	struct explanation *x = mem_new(t->mem, struct explanation);
	int status = find_who(t, x);

	if (status == EX_OK)
		status = find_all(t, x);
	if (status != EX_OK)
		return status;
	return t->ctl->json ? print_json(t, x) : print_text(x);
}
