/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the caller will probably rate a movie.
 */
#include "base/base.h"

#include <math.h>

#include "api/api.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "recommendations/prediction.h"

#define HUNDREDTHS 100

const struct model *
prediction_model(const struct req *r)
{
	return r->model && r->model->offset && r->model->ratings ? r->model :
								   NULL;
}

void
prediction_bind(struct req *r, const struct model *model)
{
	bind_arg(r, "mean",
	    model ? arg_null() : arg_double((double)PREDICTION_MEAN));
	bind_arg(r, "damping", arg_double((double)PREDICT_DAMPING));
}

void
rater_read(TALLOC_CTX *mem, const struct row *row, struct rater *out)
{
	size_t stars;

	out->movies = row_id_array(mem, row, "movies", &out->n);
	out->stars = row_id_array(mem, row, "stars", &stars);
	assert(stars == out->n);
	out->level = (float)row_double(row, "level");
}

struct predictor *
rater_predictor(
    TALLOC_CTX *mem, const struct model *model, const struct rater *u)
{
	uint32_t *item = mem_array(mem, uint32_t, u->n + 1);
	float *stars = mem_array(mem, float, u->n + 1);

	for (size_t j = 0; j < u->n; j++) {
		item[j] = model_find(model, u->movies[j]);
		stars[j] = (float)u->stars[j];
	}
	return predictor_new(mem, model, item, stars, u->n);
}

float
rater_stars(const struct rater *u, int64_t sum, int64_t count)
{
	return PREDICTION_MEAN + u->level +
	       predict_offset(PREDICTION_MEAN, (float)sum, (size_t)count);
}

void
prediction_json(struct json *j, const char *key, float stars)
{
	json_key(j, key);
	json_double(j, round((double)stars * HUNDREDTHS) / HUNDREDTHS);
}

/* ------------------------------------------------------------------- movie */

struct prediction {
	TALLOC_CTX *mem;
	const struct model *model; /* NULL: by means */
	struct rater rater;
	int64_t movie, sum, count; /* the ratings of others */
	bool rated;                /* by the caller */
	float stars, error;
	size_t used; /* ratings of the caller */
};

/* A movie that the caller has rated is predicted without that rating. */
static void
by_model(void *arg)
{
	struct prediction *x = arg;
	const struct model *m = x->model;
	uint32_t item = model_find(m, x->movie);
	struct predictor *p = rater_predictor(x->mem, m, &x->rater);
	float offset =
	    predict_offset(m->predict.mean, (float)x->sum, (size_t)x->count);

	if (item != MODEL_NONE && !x->rated) {
		offset = m->offset[item];
		x->count = m->ratings[item];
	}
	x->stars = predictor_stars(p, item, offset);
	x->error =
	    m->predict.error[predictor_bin(p)][predict_bin((size_t)x->count)];
	x->used = predictor_known(p);
}

static void
by_means(struct prediction *x)
{
	struct predict defaults;

	predict_defaults(&defaults);
	x->model = NULL;
	x->stars = rater_stars(&x->rater, x->sum, x->count);
	x->error =
	    defaults
		.error[predict_bin(x->rater.n)][predict_bin((size_t)x->count)];
	x->used = x->rater.n;
}

static enum err
reply_prediction(
    struct req *r, const struct row *row, const struct prediction *x)
{
	struct json *j = reply_json(r, 200);
	bool fitted = x->model && x->model->predict.held > 0;

	json_object(j);
	json_key(j, "movie");
	json_text(j, row_text(row, "movie"));
	prediction_json(j, "rating", predict_clip(x->stars));
	prediction_json(j, "standard_error", x->error);
	json_key(j, "basis");
	json_text(j, fitted ? "model" : "means");
	json_key(j, "own_ratings");
	json_int(j, (int64_t)x->used);
	json_key(j, "movie_ratings");
	json_int(j, x->count);
	json_object_end(j);
	return reply_done(r, j);
}

enum err
movie_prediction(struct req *r)
{
	struct prediction x = { .mem = r->mem, .model = prediction_model(r) };
	struct row row;
	enum err e;

	prediction_bind(r, x.model);
	e = run_one(r, SQL_movie_prediction, &row);
	if (e)
		return e;
	rater_read(r->mem, &row, &x.rater);
	x.movie = row_id(&row, "id");
	x.sum = row_id(&row, "rating_sum");
	x.count = row_id(&row, "rating_count");
	x.rated = row_bool(&row, "rated");
	if (!x.model || !trap_run(x.model->trap, by_model, &x))
		by_means(&x);
	return reply_prediction(r, &row, &x);
}
