/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calibration. Products of the terms are summed for each pair of bins and each
 * half of the users. The normal equations follow from these sums, and the
 * squared error with any weights: of one half with the weights of the other.
 */
#include "base/base.h"

#include <gsl/gsl_linalg.h>
#include <math.h>

#include "base/mem.h"
#include "recommend/calibrate.h"
#include "recommend/evaluate.h"
#include "recommend/large.h"
#include "recommend/predict.h"

#define TERMS  PREDICT_TERMS
#define BINS   PREDICT_BINS
#define HALVES 2
#define PRIOR  20 /* the default weights count as so many ratings */
#define FEW    50 /* so many of all ratings count in the error of a bin */

/* Sums over ratings; the target is the stars above the mean. */
struct sums {
	double n;
	double products[TERMS][TERMS];
	double target[TERMS]; /* products with the target */
	double square;        /* of the target */
};

struct fitting {
	struct model *model;
	const struct held_out *held;
	struct sums of[HALVES][BINS][BINS]; /* user, movie */
	struct sums whole[HALVES][BINS];    /* only with all ratings of users */
	double movie;                       /* squared errors */
	double user_movie;
	size_t ratings;
};

/* ------------------------------------------------------------------- sums */

static void
add(struct sums *s, const float *terms, double target)
{
	s->n++;
	s->square += target * target;
	for (int r = 0; r < TERMS; r++) {
		s->target[r] += (double)terms[r] * target;
		for (int c = 0; c < TERMS; c++)
			s->products[r][c] +=
			    (double)terms[r] * (double)terms[c];
	}
}

static void
merge(struct sums *to, const struct sums *s)
{
	to->n += s->n;
	to->square += s->square;
	for (int r = 0; r < TERMS; r++) {
		to->target[r] += s->target[r];
		for (int c = 0; c < TERMS; c++)
			to->products[r][c] += s->products[r][c];
	}
}

/* The sum of squared errors with these weights. */
static double
squared_error(const struct sums *s, const double *weight)
{
	double sum = s->square;

	for (int r = 0; r < TERMS; r++) {
		sum -= 2 * weight[r] * s->target[r];
		for (int c = 0; c < TERMS; c++)
			sum += weight[r] * weight[c] * s->products[r][c];
	}
	return sum > 0 ? sum : 0;
}

/* Least squares, with the default weights as PRIOR ratings. */
static void
solve(const struct sums *s, double *weight)
{
	double a[TERMS * TERMS], b[TERMS];
	gsl_matrix_view left = gsl_matrix_view_array(a, TERMS, TERMS);
	gsl_vector_view right = gsl_vector_view_array(b, TERMS);
	gsl_vector_view solution = gsl_vector_view_array(weight, TERMS);
	struct predict before;

	predict_defaults(&before);
	for (int r = 0; r < TERMS; r++) {
		for (int c = 0; c < TERMS; c++)
			a[r * TERMS + c] =
			    s->products[r][c] + (r == c ? PRIOR : 0);
		b[r] = s->target[r] + PRIOR * (double)before.weight[0][r];
	}
	gsl_linalg_cholesky_decomp1(&left.matrix);
	gsl_linalg_cholesky_solve(
	    &left.matrix, &right.vector, &solution.vector);
}

/* ---------------------------------------------------------------- one user */

static double
square(double x)
{
	return x * x;
}

/* The errors of the simple means. */
static void
compare(struct fitting *f, const float *terms, size_t known, double stars)
{
	double mean = (double)f->model->predict.mean;
	double offset = (double)terms[TERM_OFFSET];
	double damping =
	    known ? 1 + (double)PREDICT_DAMPING / (double)known : 1;

	f->ratings++;
	f->movie += square(mean + offset * damping - stars);
	f->user_movie += square(
	    (double)predict_clip((float)(mean + offset) + terms[TERM_LEVEL]) -
	    stars);
}

/* Predicts the window of a user from n ratings, which are all if `whole`. */
static void
observe(struct fitting *f, uint32_t user, const uint32_t *item,
    const float *stars, size_t n, bool whole)
{
	const struct sparse *all = f->held->all;
	const struct model *m = f->model;
	size_t to = all->start[user + 1];
	struct predictor *p = predictor_new(NULL, m, item, stars, n);
	unsigned half = user % HALVES, bin = predictor_bin(p);
	float terms[TERMS];

	for (size_t i = to - evaluate_window(matrix_row_size(all, user));
	     i < to; i++) {
		uint32_t at = f->held->numbers[all->index[i]];
		size_t known = at < m->items ? m->ratings[at] : 0;
		float offset = at < m->items ? m->offset[at] : 0;
		double target = (double)(all->value[i] - m->predict.mean);

		predictor_terms(p, at, offset, terms);
		add(&f->of[half][bin][predict_bin(known)], terms, target);
		if (!whole)
			continue;
		add(&f->whole[half][bin], terms, target);
		compare(f, terms, known, (double)all->value[i]);
	}
	talloc_free(p);
}

/* With all ratings before the window, and with the last of them. */
static void
observe_user(struct fitting *f, uint32_t user)
{
	const struct sparse *all = f->held->all;
	const float *stars = all->value + all->start[user];
	size_t n = matrix_row_size(all, user);
	size_t window = evaluate_window(n), most = n - window;
	uint32_t *item;

	if (window == 0)
		return;
	item = mem_array(NULL, uint32_t, most);
	for (size_t j = 0; j < most; j++)
		item[j] = f->held->numbers[all->index[all->start[user] + j]];
	for (size_t k = 0; k < most; k = k ? 2 * k : 1)
		observe(f, user, item + most - k, stars + most - k, k, false);
	observe(f, user, item, stars, most, true);
	talloc_free(item);
}

/* --------------------------------------------------------------- all users */

void
calibrate_offsets(
    TALLOC_CTX *mem, struct model *m, const struct sparse *by_user)
{
	size_t n = matrix_size(by_user);
	double sum = 0;

	m->offset = large_array(mem, m->items, sizeof *m->offset);
	m->ratings = large_array(mem, m->items, sizeof *m->ratings);
	m->predict = (struct predict){ 0 };
	predict_defaults(&m->predict);
	for (size_t i = 0; i < n; i++) {
		sum += (double)by_user->value[i];
		m->offset[by_user->index[i]] += by_user->value[i];
		m->ratings[by_user->index[i]]++;
	}
	m->predict.mean = n > 0 ? (float)(sum / (double)n) : 0;
	for (uint32_t i = 0; i < m->items; i++)
		m->offset[i] = predict_offset(
		    m->predict.mean, m->offset[i], m->ratings[i]);
}

/* Sets the weights and the errors of one bin of users. */
static void
fit_bin(struct fitting *f, int bin)
{
	struct predict *fitted = &f->model->predict;
	struct sums movie[BINS] = { 0 }, user = { 0 };
	double weight[TERMS], mean;

	for (int half = 0; half < HALVES; half++) {
		for (int m = 0; m < BINS; m++) {
			merge(&movie[m], &f->of[half][bin][m]);
			merge(&user, &f->of[half][bin][m]);
		}
	}
	if (!(user.n > 0))
		return;
	solve(&user, weight);
	mean = squared_error(&user, weight) / user.n;
	for (int t = 0; t < TERMS; t++)
		fitted->weight[bin][t] = (float)weight[t];
	for (int m = 0; m < BINS; m++)
		fitted->error[bin][m] = (float)sqrt(
		    (squared_error(&movie[m], weight) + FEW * mean) /
		    (movie[m].n + FEW));
}

/* The squared error of both halves, each with the weights of the other. */
static double
cross_validate(const struct fitting *f)
{
	double weight[TERMS], sum = 0;

	for (int half = 0; half < HALVES; half++) {
		for (int bin = 0; bin < BINS; bin++) {
			struct sums other = { 0 };

			for (int m = 0; m < BINS; m++)
				merge(&other, &f->of[1 - half][bin][m]);
			solve(&other, weight);
			sum += squared_error(&f->whole[half][bin], weight);
		}
	}
	return sum;
}

static void
finish(struct fitting *f, struct calibration *out)
{
	double n = (double)f->ratings;

	*out = (struct calibration){ 0 };
	if (f->ratings == 0)
		return;
	for (int bin = 0; bin < BINS; bin++)
		fit_bin(f, bin);
	f->model->predict.held = (uint32_t)f->ratings;
	*out = (struct calibration){ .ratings = f->ratings,
		.predicted = sqrt(cross_validate(f) / n),
		.movie = sqrt(f->movie / n),
		.user_movie = sqrt(f->user_movie / n) };
}

enum err
calibrate(struct model *m, const struct held_out *held, struct calibration *out)
{
	struct fitting *f = mem_new(NULL, struct fitting);
	enum err e = ERR_OK;

	f->model = m;
	f->held = held;
	for (uint32_t user = 0; user < held->all->rows && !e; user++) {
		if (held->stop && *held->stop)
			e = ERR_UNAVAILABLE;
		else if (held->evaluated[user])
			observe_user(f, user);
	}
	if (!e)
		finish(f, out);
	talloc_free(f);
	return e;
}
