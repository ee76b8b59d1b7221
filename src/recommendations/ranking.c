/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranking. The score of a cold-start movie is the mean over its related movies
 * (movies of the same people that are in the model) and its genres, which weigh
 * as much as two movies. It is linear in the factors, like other scores, so its
 * parts are the means of their parts.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/fold.h"
#include "recommend/large.h"
#include "recommend/score.h"
#include "recommendations/ranking.h"

#define SPREAD_TOP   100 /* bonuses are scaled by the best hundred */
#define GENRE_WEIGHT 2   /* the genres weigh as much as so many movies */

struct ranking {
	const struct model *model;
	const struct caller *caller;
	struct fold *fold;
	struct history history;
	float *parts;          /* scratch of cold_start_parts() */
	struct ids cold_start; /* sorted */
	float *taste;          /* by place, without bonuses */
	float *score;          /* by place; -INFINITY: not shown */
	size_t places;
	bool made;
};

/* ------------------------------------------------------ cold-start movies */

/* A movie's ranges of the caller's pairs. */
struct links {
	size_t related, related_end;
	size_t genre, genre_end;
};

static void
range_of(const struct pairs *p, int64_t film, size_t *from, size_t *to)
{
	for (*from = 0; *from < p->n && p->film[*from] < film; (*from)++)
		;
	for (*to = *from; *to < p->n && p->film[*to] == film; (*to)++)
		;
}

static struct links
links_of(const struct caller *c, int64_t film)
{
	struct links l;

	range_of(&c->related, film, &l.related, &l.related_end);
	range_of(&c->genre, film, &l.genre, &l.genre_end);
	return l;
}

/*
 * The weight of each related movie and of each genre that is in the model.
 * false: there is none.
 */
static bool
weigh(const struct ranking *r, const struct links *l, float *related_weight,
    float *genre_weight)
{
	size_t related = 0, genres = 0;
	float all;

	for (size_t i = l->related; i < l->related_end; i++)
		related += model_find(r->model, r->caller->related.other[i]) !=
			   MODEL_NONE;
	for (size_t i = l->genre; i < l->genre_end; i++)
		genres += model_genre(r->model, r->caller->genre.other[i]) !=
			  MODEL_NONE;
	all = (float)related + (genres > 0 ? GENRE_WEIGHT : 0);
	if (!(all > 0))
		return false;
	*related_weight = 1 / all;
	*genre_weight = genres > 0 ? GENRE_WEIGHT / (all * (float)genres) : 0;
	return true;
}

static const float *
genre_factors(const struct model *m, uint32_t genre)
{
	return m->genre.factor + genre * m->stride;
}

/* A genre alone, as bits. */
static uint64_t
genre_set(uint32_t genre)
{
	return genre < MODEL_GENRES ? UINT64_C(1) << genre : 0;
}

static float
cold_start_score(const struct ranking *r, int64_t film)
{
	const struct model *m = r->model;
	struct links l = links_of(r->caller, film);
	float related_weight, genre_weight, score = 0;

	if (!weigh(r, &l, &related_weight, &genre_weight))
		return -INFINITY;
	for (size_t i = l.related; i < l.related_end; i++) {
		uint32_t item = model_find(m, r->caller->related.other[i]);

		if (item != MODEL_NONE)
			score += related_weight * r->taste[item];
	}
	for (size_t i = l.genre; i < l.genre_end; i++) {
		uint32_t g = model_genre(m, r->caller->genre.other[i]);

		if (g != MODEL_NONE)
			score += genre_weight * fold_score(r->fold,
						    genre_factors(m, g),
						    genre_set(g));
	}
	return score;
}

static void
add_parts(float *out, float weight, const float *parts, size_t n)
{
	for (size_t j = 0; j < n; j++)
		out[j] += weight * parts[j];
}

static const float *
factors_of(const struct model *m, uint32_t item)
{
	return m->item + item * m->stride;
}

static bool
cold_start_parts(
    const struct ranking *r, int64_t film, float *out, float *common)
{
	const struct model *m = r->model;
	const struct history *h = &r->history;
	struct links l = links_of(r->caller, film);
	float related_weight, genre_weight, *parts = r->parts;

	if (!weigh(r, &l, &related_weight, &genre_weight))
		return false;
	for (size_t i = l.related; i < l.related_end; i++) {
		uint32_t item = model_find(m, r->caller->related.other[i]);

		if (item == MODEL_NONE)
			continue;
		score_parts(r->fold, h, item, parts);
		add_parts(out, related_weight, parts, h->n);
		*common +=
		    related_weight * fold_common(r->fold, factors_of(m, item));
	}
	for (size_t i = l.genre; i < l.genre_end; i++) {
		uint32_t g = model_genre(m, r->caller->genre.other[i]);
		const float *y;

		if (g == MODEL_NONE)
			continue;
		y = genre_factors(m, g);
		fold_parts(r->fold, h, y, genre_set(g), parts);
		add_parts(out, genre_weight, parts, h->n);
		*common += genre_weight * fold_common(r->fold, y);
	}
	return true;
}

/* The movies of both lists of pairs that are not in the model, sorted. */
static void
find_cold_start(struct ranking *r)
{
	const struct pairs *a = &r->caller->related, *b = &r->caller->genre;
	int64_t *found = mem_array(r, int64_t, a->n + b->n + 1), film;
	size_t i = 0, k = 0, n = 0;

	while (i < a->n || k < b->n) {
		if (k == b->n || (i < a->n && a->film[i] <= b->film[k]))
			film = a->film[i++];
		else
			film = b->film[k++];
		if ((n == 0 || found[n - 1] != film) &&
		    model_find(r->model, film) == MODEL_NONE)
			found[n++] = film;
	}
	r->cold_start = (struct ids){ found, n };
}

/* ------------------------------------------------------------------ places */

/* The place of a movie; r->places: none. */
static size_t
place_of(const struct ranking *r, int64_t movie)
{
	uint32_t item = model_find(r->model, movie);

	if (item != MODEL_NONE)
		return item;
	for (size_t s = 0; s < r->cold_start.n; s++) {
		if (r->cold_start.id[s] == movie)
			return r->model->items + s;
	}
	return r->places;
}

static int64_t
movie_at(const struct ranking *r, size_t place)
{
	return place < r->model->items ?
		   r->model->id[place] :
		   r->cold_start.id[place - r->model->items];
}

static void
exclude(struct ranking *r, const struct ids *movies)
{
	for (size_t i = 0; i < movies->n; i++) {
		size_t place = place_of(r, movies->id[i]);

		if (place < r->places)
			r->score[place] = -INFINITY;
	}
}

/* ----------------------------------------------------------------- ranking */

/* Converts the ratings. true: one of the movies is in the model. */
static bool
read_history(struct ranking *r)
{
	const struct caller *c = r->caller;
	bool known = false;

	r->history =
	    model_history(r, r->model, c->rated.id, c->stars, c->rated.n);
	for (size_t j = 0; j < c->rated.n; j++)
		known = known || r->history.item[j] != MODEL_NONE;
	r->parts = mem_array(r, float, c->rated.n + 1);
	return known;
}

static void
make(void *arg)
{
	struct ranking *r = arg;
	size_t items = r->model->items;

	if (!read_history(r))
		return;
	find_cold_start(r);
	r->places = items + r->cold_start.n;
	r->taste = large_array(r, r->places, sizeof *r->taste);
	r->score = large_array(r, r->places, sizeof *r->score);
	r->fold = fold_new(r, r->model);
	score_all(r->fold, &r->history, r->taste);
	for (size_t s = 0; s < r->cold_start.n; s++)
		r->taste[items + s] = cold_start_score(r, r->cold_start.id[s]);
	memcpy(r->score, r->taste, r->places * sizeof *r->score);
	exclude(r, &r->caller->rated);
	exclude(r, &r->caller->unseen);
	r->made = true;
}

struct ranking *
ranking_new(
    TALLOC_CTX *mem, const struct model *model, const struct caller *caller)
{
	struct ranking *r = mem_new(mem, struct ranking);

	r->model = model;
	r->caller = caller;
	if (trap_run(model->trap, make, r) && r->made)
		return r;
	talloc_free(r);
	return NULL;
}

/* The arguments and results of a function that runs in trap_run(). */
struct query {
	struct ranking *of;
	double bonus, popular;
	size_t top;
	uint32_t *places;
	int64_t *movies, movie;
	double *scores, point;
	float *parts, common, taste;
	size_t n;
	bool found;
};

/* false: the model is truncated, and the results are undefined. */
static bool
ask(const struct ranking *r, void (*run)(void *arg), struct query *a)
{
	a->of = (struct ranking *)(uintptr_t)r;
	return trap_run(r->model->trap, run, a);
}

static void
add_to_all(struct ranking *r, const struct ids *movies, double by)
{
	for (size_t i = 0; i < movies->n; i++) {
		size_t place = place_of(r, movies->id[i]);

		if (place < r->places)
			r->score[place] += (float)by;
	}
}

/* ln(1 + ratings) of a place; a cold-start movie has hardly any. */
static double
popularity_of(const struct ranking *r, size_t place)
{
	return place < r->model->items ?
		   log1p((double)r->model->ratings[place]) :
		   0;
}

/* Adds `each` for a standard deviation of popularity above the mean. */
static void
add_popularity(struct ranking *r, double each)
{
	double n = (double)r->places, sum = 0, square = 0, deviation;

	for (size_t i = 0; i < r->places; i++) {
		double p = popularity_of(r, i);

		sum += p;
		square += p * p;
	}
	deviation = sqrt(fmax(square / n - sum / n * (sum / n), 0));
	for (size_t i = 0; i < r->places && deviation > 0; i++)
		r->score[i] +=
		    (float)(each * (popularity_of(r, i) - sum / n) / deviation);
}

static void
add_bonuses(void *arg)
{
	struct query *a = arg;
	struct ranking *r = a->of;
	uint32_t top[SPREAD_TOP];
	double spread;
	size_t n =
	    score_top(r->score, (uint32_t)r->places, array_len(top), top);

	if (n < 2)
		return;
	spread = (double)r->score[top[0]] - (double)r->score[top[n - 1]];
	a->point = a->bonus * spread;
	if (a->popular != 0)
		add_popularity(r, a->popular * spread);
	add_to_all(r, &r->caller->liked, a->point * BONUS_FRIEND);
	add_to_all(r, &r->caller->starring, a->point * BONUS_CELEBRITY);
}

double
ranking_bonuses(struct ranking *r, double bonus, double popular)
{
	struct query a = { .bonus = bonus, .popular = popular };

	return ask(r, add_bonuses, &a) ? a.point : 0;
}

size_t
ranking_size(const struct ranking *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->places; i++)
		n += r->score[i] > -INFINITY;
	return n;
}

static void
find_top(void *arg)
{
	struct query *a = arg;
	const struct ranking *r = a->of;

	a->n = score_top(r->score, (uint32_t)r->places, a->top, a->places);
	for (size_t i = 0; i < a->n; i++) {
		a->movies[i] = movie_at(r, a->places[i]);
		a->scores[i] = (double)r->score[a->places[i]];
	}
}

size_t
ranking_top(
    const struct ranking *r, size_t top, int64_t *movies, double *scores)
{
	struct query a = { .top = top,
		.places = mem_array(NULL, uint32_t, top + 1),
		.movies = movies,
		.scores = scores };
	bool done = ask(r, find_top, &a);

	talloc_free(a.places);
	return done ? a.n : 0;
}

static void
count_near(void *arg)
{
	struct query *a = arg;
	const struct ranking *r = a->of;
	float least;

	a->n = score_top(r->score, (uint32_t)r->places, a->top, a->places);
	if (a->n < a->top)
		return;
	least = r->score[a->places[a->n - 1]] - (float)a->bonus;
	a->n = 0;
	for (size_t i = 0; i < r->places; i++)
		a->n += r->score[i] >= least;
}

size_t
ranking_near(const struct ranking *r, size_t top, double margin)
{
	struct query a = { .top = top,
		.bonus = margin,
		.places = mem_array(NULL, uint32_t, top + 1) };
	bool done = ask(r, count_near, &a);

	talloc_free(a.places);
	return done ? a.n : 0;
}

static void
find_parts(void *arg)
{
	struct query *a = arg;
	const struct ranking *r = a->of;
	uint32_t item = model_find(r->model, a->movie);

	if (item == MODEL_NONE) {
		a->found = cold_start_parts(r, a->movie, a->parts, &a->common);
		return;
	}
	score_parts(r->fold, &r->history, item, a->parts);
	a->common = fold_common(r->fold, factors_of(r->model, item));
	a->found = true;
}

bool
ranking_parts(const struct ranking *r, int64_t movie, float *out, float *common)
{
	struct query a = { .movie = movie, .parts = out };
	size_t bytes = r->history.n * sizeof *out;

	memset(out, 0, bytes);
	if (!ask(r, find_parts, &a)) {
		memset(out, 0, bytes);
		a.found = false;
		a.common = 0;
	}
	if (common)
		*common = a.common;
	return a.found;
}

static void
find_taste(void *arg)
{
	struct query *a = arg;
	size_t place = place_of(a->of, a->movie);

	a->taste = place < a->of->places ? a->of->taste[place] : 0;
}

float
ranking_preference(const struct ranking *r, size_t j)
{
	return r->history.preference[j];
}

float
ranking_taste(const struct ranking *r, int64_t movie)
{
	struct query a = { .movie = movie };

	return ask(r, find_taste, &a) ? a.taste : 0;
}

bool
ranking_is_truncated(const struct ranking *r)
{
	return model_is_truncated(r->model);
}
