/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranking. A stranger's score is linear in the factors as any other: the mean
 * over its kin (films of the same people that the model knows) and its genres,
 * these weighing as two films do; so its parts are the means of their parts.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/fold.h"
#include "recommend/large.h"
#include "recommend/score.h"
#include "recommendations/ranking.h"

#define SPREAD_TOP   100 /* bonuses are measured by the best hundred */
#define GENRE_WEIGHT 2   /* as many films are worth as much as the genres */

struct ranking {
	const struct model *model;
	const struct caller *caller;
	struct fold *fold;
	struct history history;
	float *parts;         /* room for as many, for stranger_parts() */
	struct ids strangers; /* rising */
	float *taste;         /* by place, without bonuses */
	float *score;         /* by place; -INFINITY: not to be shown */
	size_t places;
	bool made;
};

/* --------------------------------------------------------------- strangers */

/* What a stranger is like: runs of the caller's pairs. */
struct likeness {
	size_t kin, kin_end;
	size_t kind, kind_end;
};

static void
run_of(const struct pairs *p, int64_t film, size_t *from, size_t *to)
{
	for (*from = 0; *from < p->n && p->film[*from] < film; (*from)++)
		;
	for (*to = *from; *to < p->n && p->film[*to] == film; (*to)++)
		;
}

static struct likeness
likeness_of(const struct caller *c, int64_t film)
{
	struct likeness l;

	run_of(&c->kin, film, &l.kin, &l.kin_end);
	run_of(&c->kind, film, &l.kind, &l.kind_end);
	return l;
}

/*
 * The weight of each of its kin, and of each of its genres, that the model
 * knows. false: it knows none.
 */
static bool
weigh(const struct ranking *r, const struct likeness *l, float *of_kin,
    float *of_kind)
{
	size_t kin = 0, genres = 0;
	float all;

	for (size_t i = l->kin; i < l->kin_end; i++)
		kin +=
		    model_find(r->model, r->caller->kin.other[i]) != MODEL_NONE;
	for (size_t i = l->kind; i < l->kind_end; i++)
		genres += model_genre(r->model, r->caller->kind.other[i]) !=
			  MODEL_NONE;
	all = (float)kin + (genres > 0 ? GENRE_WEIGHT : 0);
	if (!(all > 0))
		return false;
	*of_kin = 1 / all;
	*of_kind = genres > 0 ? GENRE_WEIGHT / (all * (float)genres) : 0;
	return true;
}

static const float *
factors_of_genre(const struct model *m, uint32_t genre)
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
stranger_score(const struct ranking *r, int64_t film)
{
	const struct model *m = r->model;
	struct likeness l = likeness_of(r->caller, film);
	float of_kin, of_kind, score = 0;

	if (!weigh(r, &l, &of_kin, &of_kind))
		return -INFINITY;
	for (size_t i = l.kin; i < l.kin_end; i++) {
		uint32_t item = model_find(m, r->caller->kin.other[i]);

		if (item != MODEL_NONE)
			score += of_kin * r->taste[item];
	}
	for (size_t i = l.kind; i < l.kind_end; i++) {
		uint32_t g = model_genre(m, r->caller->kind.other[i]);

		if (g != MODEL_NONE)
			score +=
			    of_kind * fold_score(r->fold,
					  factors_of_genre(m, g), genre_set(g));
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
stranger_parts(const struct ranking *r, int64_t film, float *out, float *common)
{
	const struct model *m = r->model;
	const struct history *h = &r->history;
	struct likeness l = likeness_of(r->caller, film);
	float of_kin, of_kind, *parts = r->parts;

	if (!weigh(r, &l, &of_kin, &of_kind))
		return false;
	for (size_t i = l.kin; i < l.kin_end; i++) {
		uint32_t item = model_find(m, r->caller->kin.other[i]);

		if (item == MODEL_NONE)
			continue;
		score_parts(r->fold, h, item, parts);
		add_parts(out, of_kin, parts, h->n);
		*common += of_kin * fold_common(r->fold, factors_of(m, item));
	}
	for (size_t i = l.kind; i < l.kind_end; i++) {
		uint32_t g = model_genre(m, r->caller->kind.other[i]);
		const float *y;

		if (g == MODEL_NONE)
			continue;
		y = factors_of_genre(m, g);
		fold_parts(r->fold, h, y, genre_set(g), parts);
		add_parts(out, of_kind, parts, h->n);
		*common += of_kind * fold_common(r->fold, y);
	}
	return true;
}

/* The films of both runs of pairs that the model does not know, rising. */
static void
find_strangers(struct ranking *r)
{
	const struct pairs *a = &r->caller->kin, *b = &r->caller->kind;
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
	r->strangers = (struct ids){ found, n };
}

/* ------------------------------------------------------------------ places */

/* The place of a movie; r->places: it has none. */
static size_t
place_of(const struct ranking *r, int64_t movie)
{
	uint32_t item = model_find(r->model, movie);

	if (item != MODEL_NONE)
		return item;
	for (size_t s = 0; s < r->strangers.n; s++) {
		if (r->strangers.id[s] == movie)
			return r->model->items + s;
	}
	return r->places;
}

static int64_t
movie_at(const struct ranking *r, size_t place)
{
	return place < r->model->items ?
		   r->model->id[place] :
		   r->strangers.id[place - r->model->items];
}

static void
leave_out(struct ranking *r, const struct ids *movies)
{
	for (size_t i = 0; i < movies->n; i++) {
		size_t place = place_of(r, movies->id[i]);

		if (place < r->places)
			r->score[place] = -INFINITY;
	}
}

/* ----------------------------------------------------------------- ranking */

/* Her ratings as the model reads them. true: it knows one of the films. */
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
	find_strangers(r);
	r->places = items + r->strangers.n;
	r->taste = large_array(r, r->places, sizeof *r->taste);
	r->score = large_array(r, r->places, sizeof *r->score);
	r->fold = fold_new(r, r->model);
	score_all(r->fold, &r->history, r->taste);
	for (size_t s = 0; s < r->strangers.n; s++)
		r->taste[items + s] = stranger_score(r, r->strangers.id[s]);
	memcpy(r->score, r->taste, r->places * sizeof *r->score);
	leave_out(r, &r->caller->rated);
	leave_out(r, &r->caller->unseen);
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

/* What is asked of a ranking, through trap_run(). */
struct asked {
	struct ranking *of;
	double bonus;
	size_t top;
	uint32_t *places;
	int64_t *movies, movie;
	double *scores, point;
	float *parts, common, taste;
	size_t n;
	bool found;
};

/* false: the model is lost, and nothing in `a` is an answer. */
static bool
ask(const struct ranking *r, void (*run)(void *arg), struct asked *a)
{
	a->of = (struct ranking *)(uintptr_t)r;
	return trap_run(r->model->trap, run, a);
}

static void
raise_all(struct ranking *r, const struct ids *movies, double by)
{
	for (size_t i = 0; i < movies->n; i++) {
		size_t place = place_of(r, movies->id[i]);

		if (place < r->places)
			r->score[place] += (float)by;
	}
}

static void
add_bonuses(void *arg)
{
	struct asked *a = arg;
	struct ranking *r = a->of;
	uint32_t top[SPREAD_TOP];
	size_t n =
	    score_top(r->score, (uint32_t)r->places, array_len(top), top);

	if (n < 2)
		return;
	a->point = a->bonus *
		   ((double)r->score[top[0]] - (double)r->score[top[n - 1]]);
	raise_all(r, &r->caller->liked, a->point * BONUS_FRIEND);
	raise_all(r, &r->caller->starring, a->point * BONUS_CELEBRITY);
}

double
ranking_bonuses(struct ranking *r, double bonus)
{
	struct asked a = { .bonus = bonus };

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
	struct asked *a = arg;
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
	struct asked a = { .top = top,
		.places = mem_array(NULL, uint32_t, top + 1),
		.movies = movies,
		.scores = scores };
	bool done = ask(r, find_top, &a);

	talloc_free(a.places);
	return done ? a.n : 0;
}

static void
find_parts(void *arg)
{
	struct asked *a = arg;
	const struct ranking *r = a->of;
	uint32_t item = model_find(r->model, a->movie);

	if (item == MODEL_NONE) {
		a->found = stranger_parts(r, a->movie, a->parts, &a->common);
		return;
	}
	score_parts(r->fold, &r->history, item, a->parts);
	a->common = fold_common(r->fold, factors_of(r->model, item));
	a->found = true;
}

bool
ranking_parts(const struct ranking *r, int64_t movie, float *out, float *common)
{
	struct asked a = { .movie = movie, .parts = out };
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
	struct asked *a = arg;
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
	struct asked a = { .movie = movie };

	return ask(r, find_taste, &a) ? a.taste : 0;
}

bool
ranking_is_lost(const struct ranking *r)
{
	return model_is_lost(r->model);
}
