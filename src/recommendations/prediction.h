/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ratings of a user and the means of movies, as predictions need them, from
 * the rows of sql/predictions.sql.
 */
#ifndef RECOMMENDATIONS_PREDICTION_H
#define RECOMMENDATIONS_PREDICTION_H

#include "base/base.h"

#include "base/json.h"
#include "db/row.h"
#include "http/request.h"
#include "recommend/predict.h"

/* The mean to which offsets are damped without a model, in stars. */
#define PREDICTION_MEAN 3.5f

/* A user whose ratings are predicted. */
struct rater {
	const int64_t *movies; /* rated */
	const int64_t *stars;
	size_t n;
	float level; /* only without a model */
};

/* Binds :mean and :damping, for a statement that is run with `model`. */
void prediction_bind(struct req *r, const struct model *model);

/* The model, if it can predict, else NULL. */
const struct model *prediction_model(const struct req *r);

/* From the columns movies, stars and level. */
void rater_read(TALLOC_CTX *mem, const struct row *row, struct rater *out);

/* The same user for the model, below `mem`; within trap_run(). */
struct predictor *rater_predictor(
    TALLOC_CTX *mem, const struct model *model, const struct rater *u);

/* The stars for a movie without a model, from its ratings. */
float rater_stars(const struct rater *u, int64_t sum, int64_t count);

/* Adds a key with stars, rounded to hundredths. */
void prediction_json(struct json *j, const char *key, float stars);

#endif
