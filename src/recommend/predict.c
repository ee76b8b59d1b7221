/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Predicted ratings. Of all items they are computed in blocks that stay in the
 * cache while every user of a group is predicted.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/cholesky.h"
#include "recommend/large.h"
#include "recommend/predict.h"
#include "recommend/score.h"
#include "recommend/vector.h"

#define RIDGE        4.0f /* of the residuals' factors */
#define NEAR_DAMPING 1.0f /* of the mean over neighbours */
#define BIN_BASE     4
#define BLOCK        64 /* items */

/* The standard errors if none were measured: with few and with many ratings. */
#define ERROR_FEW  1.2f
#define ERROR_MANY 0.9f

struct predictor {
	const struct model *model;
	const uint32_t *item;
	const float *stars;
	size_t n;
	float *residual; /* of each rating; 0: ignored */
	float *x;        /* factors of the residuals, padded */
	size_t known;    /* ratings that are not ignored */
	float level;
	unsigned bin;
	float *near;        /* of each item: the sum over neighbours; or NULL */
	float *near_weight; /* of each item: that of their weights */
};

unsigned
predict_bin(size_t ratings)
{
	unsigned bin = 0;

	for (; ratings > 0 && bin + 1 < PREDICT_BINS; ratings /= BIN_BASE)
		bin++;
	return bin;
}

float
predict_offset(float mean, float sum, size_t ratings)
{
	return (sum - mean * (float)ratings) /
	       ((float)ratings + PREDICT_DAMPING);
}

void
predict_defaults(struct predict *out)
{
	for (int u = 0; u < PREDICT_BINS; u++) {
		memset(out->weight[u], 0, sizeof out->weight[u]);
		out->weight[u][TERM_OFFSET] = out->weight[u][TERM_LEVEL] = 1;
		for (int m = 0; m < PREDICT_BINS; m++)
			out->error[u][m] =
			    ERROR_FEW - (ERROR_FEW - ERROR_MANY) *
					    (float)(u + m) /
					    (2 * (PREDICT_BINS - 1));
	}
}

float
predict_clip(float stars)
{
	return fminf(fmaxf(stars, 1), TASTE_STARS);
}

/* ---------------------------------------------------------------- one user */

/* Sets level, bin and residuals. */
static void
find_residuals(struct predictor *p)
{
	const struct model *m = p->model;
	float sum = 0;

	for (size_t j = 0; j < p->n; j++) {
		if (p->item[j] >= m->items)
			continue;
		p->known++;
		p->residual[j] =
		    p->stars[j] - m->predict.mean - m->offset[p->item[j]];
		sum += p->residual[j];
	}
	p->level = sum / ((float)p->known + PREDICT_DAMPING);
	p->bin = predict_bin(p->known);
	for (size_t j = 0; j < p->n; j++) {
		if (p->item[j] < m->items)
			p->residual[j] -= p->level;
	}
}

/* The reciprocal of the length of a row of factors; of zeros it is 0. */
static inline float
reciprocal(const float *y, size_t stride)
{
	float square = vector_dot(y, y, stride);

	return square > 0 ? 1 / sqrtf(square) : 0;
}

/* Solves (sum of z z' + RIDGE) x = sum of residual z, with z = y / |y|. */
wide static void
fold_residuals(struct predictor *p)
{
	const struct model *m = p->model;
	size_t s = m->stride;
	float *a = model_floats(p, s * s), scale;

	for (size_t j = 0; j < p->n; j++) {
		const float *y = m->item + p->item[j] * s;

		if (p->item[j] >= m->items)
			continue;
		scale = reciprocal(y, s);
		for (size_t r = 0; r < m->factors; r++)
			vector_add(a + r * s, scale * scale * y[r], y, s);
		vector_add(p->x, scale * p->residual[j], y, s);
	}
	for (size_t r = 0; r < m->factors; r++)
		a[r * s + r] += RIDGE;
	if (cholesky_factor(a, m->factors, s))
		cholesky_solve(a, m->factors, s, p->x);
	else
		memset(p->x, 0, s * sizeof *p->x);
	if (!vector_is_finite(p->x, s))
		memset(p->x, 0, s * sizeof *p->x);
}

struct predictor *
predictor_new(TALLOC_CTX *mem, const struct model *model, const uint32_t *item,
    const float *stars, size_t n)
{
	struct predictor *p = mem_new(mem, struct predictor);

	p->model = model;
	p->item = item;
	p->stars = stars;
	p->n = n;
	p->residual = mem_array(p, float, n + 1);
	p->x = model_floats(p, model->stride);
	find_residuals(p);
	fold_residuals(p);
	return p;
}

unsigned
predictor_bin(const struct predictor *p)
{
	return p->bin;
}

size_t
predictor_known(const struct predictor *p)
{
	return p->known;
}

/* From the sums of all items, if there are any (spread()). */
static void
near_of(const struct predictor *p, uint32_t item, float *sum, float *weight)
{
	const struct model *m = p->model;
	float near;

	*sum = p->near ? p->near[item] : 0;
	*weight = p->near ? p->near_weight[item] : 0;
	if (p->near)
		return;
	for (size_t j = 0; j < p->n; j++) {
		if (p->item[j] >= m->items)
			continue;
		near = score_nearness(&m->near, p->item[j], item);
		*sum += near * p->residual[j];
		*weight += near;
	}
}

void
predictor_terms(const struct predictor *p, uint32_t item, float offset,
    float out[PREDICT_TERMS])
{
	const struct model *m = p->model;
	const float *y = m->item + item * m->stride;
	float sum, weight;

	out[TERM_ONE] = 1;
	out[TERM_OFFSET] = offset;
	out[TERM_LEVEL] = p->level;
	out[TERM_FACTORS] = out[TERM_NEAR] = 0;
	if (item >= m->items)
		return;
	near_of(p, item, &sum, &weight);
	out[TERM_FACTORS] =
	    reciprocal(y, m->stride) * vector_dot(p->x, y, m->stride);
	out[TERM_NEAR] = sum / (weight + NEAR_DAMPING);
}

float
predictor_stars(const struct predictor *p, uint32_t item, float offset)
{
	const struct predict *fitted = &p->model->predict;
	float terms[PREDICT_TERMS], stars = fitted->mean;

	predictor_terms(p, item, offset, terms);
	for (int t = 0; t < PREDICT_TERMS; t++)
		stars += fitted->weight[p->bin][t] * terms[t];
	return stars;
}

/* ----------------------------------------------------------------- a group */

/* Fills near and near_weight: the sums of near_of() for all items. */
wide static void
spread(struct predictor *p)
{
	const struct model *m = p->model;
	size_t from, to;

	p->near = large_array(p, m->items, sizeof *p->near);
	p->near_weight = large_array(p, m->items, sizeof *p->near_weight);
	for (size_t j = 0; j < p->n; j++) {
		if (p->item[j] >= m->items)
			continue;
		to = score_neighbours(&m->near, p->item[j], &from);
		for (size_t i = from; i < to; i++) {
			uint32_t item = m->near.index[i];

			if (item >= m->items)
				continue;
			p->near[item] += m->near.weight[i] * p->residual[j];
			p->near_weight[item] += m->near.weight[i];
		}
	}
}

/* Lowers out to the stars of one user, for the items of a block. */
wide static void
lower(const struct predictor *p, const float *scale, uint32_t from, uint32_t to,
    float *out)
{
	const struct model *m = p->model;
	const float *w = m->predict.weight[p->bin];
	float fixed = m->predict.mean + w[TERM_ONE] + w[TERM_LEVEL] * p->level;

	for (uint32_t i = from; i < to; i++) {
		float stars =
		    fixed + w[TERM_OFFSET] * m->offset[i] +
		    w[TERM_FACTORS] * scale[i - from] *
			vector_dot(p->x, m->item + i * m->stride, m->stride) +
		    w[TERM_NEAR] * p->near[i] /
			(p->near_weight[i] + NEAR_DAMPING);

		out[i] = stars < out[i] ? stars : out[i];
	}
}

wide void
predict_least(struct predictor *const *p, size_t n, float *out)
{
	const struct model *m = p[0]->model;
	float scale[BLOCK];

	for (size_t u = 0; u < n; u++)
		spread(p[u]);
	for (uint32_t from = 0; from < m->items; from += BLOCK) {
		uint32_t to = m->items - from > BLOCK ? from + BLOCK : m->items;

		for (uint32_t i = from; i < to; i++) {
			out[i] = INFINITY;
			scale[i - from] =
			    reciprocal(m->item + i * m->stride, m->stride);
		}
		for (size_t u = 0; u < n; u++)
			lower(p[u], scale, from, to, out);
	}
}
