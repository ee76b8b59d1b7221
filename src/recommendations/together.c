/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies for a group: those that no member has rated or marked as unseen, by
 * the lowest of the members' predicted ratings. The best 500 are passed to
 * SQL, which selects those that all can watch, and many more if these are few.
 */
#include "base/base.h"

#include <math.h>

#include "api/api.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "movies/movies.h"
#include "recommend/large.h"
#include "recommend/score.h"
#include "recommendations/caller.h"
#include "recommendations/prediction.h"

#define FRIENDS_MAX  9
#define FRIENDS_TEXT "9"
#define CANDIDATES   500
#define WIDER        30  /* factor for the second try */
#define FEW          100 /* movies; fewer, and there is one */

const struct field together_input[] = {
	{ "with", FROM_QUERY, T_LIST, UNORDERED, .max_length = LENGTH_NAME },
	PAGE_FIELDS,
	{ 0 },
};

struct member {
	const char *username;
	int64_t id;
	struct rater rater;
	struct ids excluded; /* besides the rated movies */
	struct predictor *predictor;
};

/* A place is an item of the model, or without one a popular movie. */
struct group {
	TALLOC_CTX *mem;
	const struct model *model; /* NULL: by means */
	struct member member[FRIENDS_MAX + 1];
	size_t n;
	struct ids popular;         /* sorted */
	const int64_t *sum, *count; /* of the ratings of each of them */
	float *least;               /* by place; -INFINITY: excluded */
	size_t places;
	int64_t *best; /* movies, best first */
	size_t n_best, top;
	struct rows rows; /* the page */
	float *stars;     /* of each row for each member */
};

/* ------------------------------------------------------------------ places */

/* The place of a movie; g->places: none. */
static size_t
place_of(const struct group *g, int64_t movie)
{
	uint32_t item;

	if (!g->model)
		return model_place(g->popular.id, g->places, movie);
	item = model_find(g->model, movie);
	return item == MODEL_NONE ? g->places : item;
}

static float
stars_at(const struct group *g, const struct member *u, size_t place)
{
	if (g->model)
		return predictor_stars(
		    u->predictor, (uint32_t)place, g->model->offset[place]);
	return rater_stars(&u->rater, g->sum[place], g->count[place]);
}

static void
exclude(struct group *g, const int64_t *movies, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t place = place_of(g, movies[i]);

		if (place < g->places)
			g->least[place] = -INFINITY;
	}
}

/* Fills g->least. */
static void
predict_all(void *arg)
{
	struct group *g = arg;
	struct predictor *p[FRIENDS_MAX + 1];

	g->places = g->model ? g->model->items : g->popular.n;
	g->least = large_array(g->mem, g->places, sizeof *g->least);
	for (size_t u = 0; u < g->n && g->model; u++)
		p[u] = g->member[u].predictor =
		    rater_predictor(g->mem, g->model, &g->member[u].rater);
	if (g->model)
		predict_least(p, g->n, g->least);
	for (size_t i = 0; i < g->places && !g->model; i++) {
		g->least[i] = INFINITY;
		for (size_t u = 0; u < g->n; u++)
			g->least[i] =
			    fminf(g->least[i], stars_at(g, &g->member[u], i));
	}
	for (size_t u = 0; u < g->n; u++) {
		const struct member *m = &g->member[u];

		exclude(g, m->rater.movies, m->rater.n);
		exclude(g, m->excluded.id, m->excluded.n);
	}
}

static void
find_best(void *arg)
{
	struct group *g = arg;
	uint32_t *place = mem_array(g->mem, uint32_t, g->top + 1);

	g->best = mem_array(g->mem, int64_t, g->top + 1);
	g->n_best = score_top(g->least, (uint32_t)g->places, g->top, place);
	for (size_t i = 0; i < g->n_best; i++)
		g->best[i] =
		    g->model ? g->model->id[place[i]] : g->popular.id[place[i]];
}

/* Fills g->stars for the rows of the page. */
static void
predict_page(void *arg)
{
	struct group *g = arg;
	struct row row;

	g->stars =
	    mem_array(g->mem, float, (size_t)rows_listed(&g->rows) * g->n + 1);
	for (int i = 0; i < rows_listed(&g->rows); i++) {
		size_t place;

		rows_at(&g->rows, i, &row);
		place = place_of(g, row_id(&row, "id"));
		for (size_t u = 0; u < g->n && place < g->places; u++)
			g->stars[(size_t)i * g->n + u] =
			    predict_clip(stars_at(g, &g->member[u], place));
	}
}

/* ------------------------------------------------------------------ reading */

static enum err
read_members(struct req *r, struct group *g)
{
	struct rows rows;
	struct row row;
	enum err e;

	prediction_bind(r, g->model);
	e = run_all(r, SQL_together_members, &rows);
	if (e)
		return e;
	if (rows.count == 0) /* the account was deleted meanwhile */
		return fail(r, ERR_UNAUTHORIZED, NULL, MSG_AUTH_NEEDED);
	assert(rows.count <= (int)array_len(g->member));
	g->n = (size_t)rows.count;
	for (size_t u = 0; u < g->n; u++) {
		struct member *m = &g->member[u];

		rows_at(&rows, (int)u, &row);
		m->id = row_id(&row, "id");
		m->username = row_text(&row, "username");
		m->excluded.id =
		    row_id_array(r->mem, &row, "excluded", &m->excluded.n);
		rater_read(r->mem, &row, &m->rater);
	}
	return ERR_OK;
}

static enum err
read_popular(struct req *r, struct group *g)
{
	struct row row;
	size_t n;
	enum err e;

	e = run_one(r, SQL_together_popular, &row);
	if (e)
		return e;
	g->popular.id = row_id_array(r->mem, &row, "movies", &g->popular.n);
	g->sum = row_id_array(r->mem, &row, "sums", &n);
	g->count = row_id_array(r->mem, &row, "counts", &n);
	return ERR_OK;
}

/* Reads the page from the best `top` movies; *total of all pages. */
static enum err
read_page(struct req *r, struct group *g, int64_t *total)
{
	int64_t *ids = mem_array(r->mem, int64_t, g->n);
	struct row row;
	enum err e;

	for (size_t u = 0; u < g->n; u++)
		ids[u] = g->member[u].id;
	bind_arg(r, "members", arg_int_array(ids, g->n));
	bind_arg(r, "movies", arg_int_array(g->best, g->n_best));
	bind_arg(r, "size", arg_id(input_int(r, "limit")));
	e = run_all(r, SQL_together_movies, &g->rows);
	*total = 0;
	if (!e && g->rows.count > 0) {
		rows_at(&g->rows, 0, &row);
		*total = row_id(&row, "total");
	}
	return e;
}

/* Runs a computation; *found: the model was not truncated. */
static bool
compute(struct group *g, void (*run)(void *arg))
{
	return trap_run(g->model ? g->model->trap : NULL, run, g);
}

/* *found is false if the model was truncated meanwhile. */
static enum err
choose(struct req *r, struct group *g, bool *found)
{
	int64_t total = 0;
	enum err e = read_members(r, g);

	if (!e && !g->model)
		e = read_popular(r, g);
	if (e)
		return e;
	*found = compute(g, predict_all);
	for (g->top = CANDIDATES; *found; g->top *= WIDER) {
		*found = compute(g, find_best);
		if (*found)
			e = read_page(r, g, &total);
		if (e || total >= FEW || g->n_best < g->top ||
		    g->top > CANDIDATES)
			break;
	}
	if (!e && *found)
		*found = compute(g, predict_page);
	return e;
}

/* ---------------------------------------------------------------- answering */

static void
add_members(struct json *j, const struct row *row, void *arg)
{
	const struct group *g = arg;

	json_key(j, "members");
	json_list(j);
	for (size_t u = 0; u < g->n; u++) {
		json_object(j);
		json_key(j, "username");
		json_text(j, g->member[u].username);
		prediction_json(
		    j, "rating", g->stars[(size_t)row->n * g->n + u]);
		json_object_end(j);
	}
	json_list_end(j);
}

static enum err
check_size(struct req *r)
{
	const struct field_value *with = input_of(r, "with");
	const char *const args[3] = { FRIENDS_TEXT,
		mem_printf(r->mem, "%zu", with->count) };

	if (with->count == 0)
		return fail(r, ERR_INVALID, "with", MSG_FIELD_REQUIRED);
	if (with->count <= FRIENDS_MAX)
		return ERR_OK;
	return fail_with(r, ERR_INVALID, "with", MSG_FIELD_ITEMS, args);
}

enum err
movie_together(struct req *r)
{
	struct group *g = mem_new(r->mem, struct group);
	bool found = true;
	enum err e = check_size(r);

	if (e)
		return e;
	g->mem = r->mem;
	g->model = prediction_model(r);
	e = choose(r, g, &found);
	if (!e && !found) {
		g->model = NULL;
		e = choose(r, g, &found);
	}
	return e ? e :
		   reply_page_with(r, &g->rows, movie_shape, add_members, g);
}
