/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alternating least squares. The factors that a row needs are gathered into a
 * block, so that one rank-k update replaces a rank-1 update per rating; the
 * systems are solved in single precision. BLAS runs in the calling thread: the
 * rows are distributed over threads.
 */
#include "base/base.h"

#include <gsl/gsl_blas.h>
#include <math.h>

#include "base/mem.h"
#include "recommend/als.h"
#include "recommend/cholesky.h"
#include "recommend/large.h"
#include "recommend/model.h"
#include "recommend/parallel.h"
#include "recommend/vector.h"

#define BLOCK_ROWS 256 /* gathered at a time: fits into the L2 cache */
#define BATCH_ROWS 32  /* given to a thread at a time */
#define GRAM_ROWS  2048
#define AHEAD      8  /* rows that are prefetched before they are gathered */
#define CACHE_LINE 64 /* bytes */

void openblas_set_num_threads(int n);

/* Shared by the threads of a half iteration. */
struct half {
	const struct sparse *m;
	const float *fixed;
	float *solved;
	const struct als_options *o;
	float *grams;    /* one for each GRAM_ROWS of fixed */
	float *gram;     /* their sum, times the weight of unobserved pairs */
	double *losses;  /* one for each batch */
	float **scratch; /* one for each thread */
	struct parallel share;
};

/* ------------------------------------------------------ initial factors */

static uint64_t
mix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* In (0, 1). */
static double
uniform(uint64_t *state)
{
	return ((double)(mix(state) >> 11) + 0.5) / 9007199254740992.0;
}

/* Normally distributed with the standard deviation 0.1 / sqrt(factors). */
static void
begin_side(float *side, size_t n, unsigned factors, uint64_t seed)
{
	double deviation = 0.1 / sqrt((double)factors);
	uint64_t state = seed;

	for (size_t i = 0; i < n; i++)
		side[i] = (float)(deviation * sqrt(-2 * log(uniform(&state))) *
				  cos(6.283185307179586 * uniform(&state)));
}

/* -------------------------------------------------------- Gram's matrix */

/* Upper triangle: a += b'b, for `rows` rows of k; a's rows are padded. */
static void
rank_update(const float *b, size_t rows, size_t k, float *a)
{
	gsl_matrix_float_const_view vb =
	    gsl_matrix_float_const_view_array(b, rows, k);
	gsl_matrix_float_view va = gsl_matrix_float_view_array_with_tda(
	    a, k, k, model_stride((unsigned)k));

	(void)gsl_blas_ssyrk(
	    CblasUpper, CblasTrans, 1, &vb.matrix, 1, &va.matrix);
}

/* Floats of a padded matrix. */
static size_t
square(size_t k)
{
	return k * model_stride((unsigned)k);
}

static void
gram_work(void *shared, unsigned thread)
{
	struct half *h = shared;
	size_t k = h->o->factors, from, to, number;

	(void)thread;
	while (parallel_next(&h->share, &from, &to, &number))
		rank_update(h->fixed + from * k, to - from, k,
		    h->grams + number * square(k));
}

/* The weight of unobserved pairs times fixed'fixed, summed in a fixed order. */
static void
make_gram(struct half *h)
{
	size_t k = h->o->factors, n = h->m->cols;

	h->share = (struct parallel){ .total = n, .batch = GRAM_ROWS };
	parallel_run(h->o->threads, gram_work, h);
	for (size_t c = 0; c * GRAM_ROWS < n; c++) {
		for (size_t i = 0; i < square(k); i++)
			h->gram[i] += h->grams[c * square(k) + i];
	}
	for (size_t i = 0; i < square(k); i++)
		h->gram[i] *= h->o->unobserved;
}

/* ------------------------------------------------------------------ rows */

static float
ridge_of(const struct sparse *m, uint32_t row, const struct als_options *o)
{
	return o->regularization * ((float)matrix_row_size(m, row) +
				       o->unobserved * (float)m->cols);
}

/* b += y'p, for n rows of k. */
static void
vector_update(const float *y, const float *p, size_t n, size_t k, float *b)
{
	gsl_matrix_float_const_view vy =
	    gsl_matrix_float_const_view_array(y, n, k);
	gsl_vector_float_const_view vp =
	    gsl_vector_float_const_view_array(p, n);
	gsl_vector_float_view vb = gsl_vector_float_view_array(b, k);

	(void)gsl_blas_sgemv(
	    CblasTrans, 1, &vy.matrix, &vp.vector, 1, &vb.vector);
}

/* The hardware prefetcher cannot predict the order of the rows. */
static void
prefetch_row(const struct half *h, size_t at)
{
	size_t k = h->o->factors;
	const float *row = h->fixed + (size_t)h->m->index[at] * k;

	for (size_t i = 0; i < k; i += CACHE_LINE / sizeof *row)
		__builtin_prefetch(row + i);
}

/* a += Y'Y, b += Y'p, with Y the factors of what the row rated, by blocks. */
static void
add_ratings(
    const struct half *h, uint32_t row, float *block, float *a, float *b)
{
	size_t k = h->o->factors, n, i;
	size_t at = h->m->start[row], end = h->m->start[row + 1];

	for (; at < end; at += n) {
		n = end - at < BLOCK_ROWS ? end - at : BLOCK_ROWS;
		for (i = 0; i < n; i++) {
			if (at + i + AHEAD < end)
				prefetch_row(h, at + i + AHEAD);
			memcpy(block + i * k,
			    h->fixed + (size_t)h->m->index[at + i] * k,
			    k * sizeof *block);
		}
		rank_update(block, n, k, a);
		vector_update(block, h->m->value + at, n, k, b);
	}
}

/*
 * Solves a x = b in place. false: the system is singular (no regularization and
 * linearly dependent factors); the row then has zero factors, like a row
 * without ratings.
 */
static bool
solve(float *a, float *x, size_t k)
{
	size_t stride = model_stride((unsigned)k);

	if (!cholesky_factor(a, k, stride))
		return false;
	cholesky_solve(a, k, stride, x);
	return vector_is_finite(x, k);
}

/* The loss of the row at the solution: sum p^2 - b'x. */
static double
solve_row(const struct half *h, uint32_t row, float *scratch)
{
	size_t k = h->o->factors, stride = model_stride(h->o->factors), i;
	float *a = scratch, *b = a + square(k), *block = b + stride;
	float *x = h->solved + (size_t)row * k;
	float ridge = ridge_of(h->m, row, h->o);
	double loss = 0;

	memset(x, 0, k * sizeof *x);
	if (matrix_row_size(h->m, row) == 0)
		return 0;
	memcpy(a, h->gram, square(k) * sizeof *a);
	memset(b, 0, k * sizeof *b);
	for (i = 0; i < k; i++)
		a[i * stride + i] += ridge;
	add_ratings(h, row, block, a, b);
	memcpy(x, b, k * sizeof *x);
	if (!solve(a, x, k))
		memset(x, 0, k * sizeof *x);
	for (i = h->m->start[row]; i < h->m->start[row + 1]; i++)
		loss += (double)h->m->value[i] * (double)h->m->value[i];
	for (i = 0; i < k; i++)
		loss -= (double)b[i] * (double)x[i];
	return loss;
}

static void
rows_work(void *shared, unsigned thread)
{
	struct half *h = shared;
	size_t from, to, number;
	double loss;

	while (parallel_next(&h->share, &from, &to, &number)) {
		loss = 0;
		for (size_t row = from; row < to; row++)
			loss += solve_row(h, (uint32_t)row, h->scratch[thread]);
		h->losses[number] = loss;
	}
}

static size_t
scratch_size(size_t k)
{
	return square(k) + model_stride((unsigned)k) + BLOCK_ROWS * k;
}

enum err
als_half(const struct sparse *m, const float *fixed, float *solved,
    const struct als_options *o, double *loss)
{
	void *mem = mem_need(talloc_new(NULL));
	size_t k = o->factors, batches = m->rows / BATCH_ROWS + 1;
	struct half h = { .m = m, .fixed = fixed, .solved = solved, .o = o };

	openblas_set_num_threads(1);
	h.grams = large_array(
	    mem, (m->cols / GRAM_ROWS + 1) * square(k), sizeof *h.grams);
	h.gram = large_array(mem, square(k), sizeof *h.gram);
	h.losses = large_array(mem, batches, sizeof *h.losses);
	h.scratch = mem_array(mem, float *, o->threads);
	for (unsigned t = 0; t < o->threads; t++)
		h.scratch[t] = model_floats(mem, scratch_size(k));
	make_gram(&h);
	h.share = (struct parallel){
		.total = m->rows, .batch = BATCH_ROWS, .stop = o->stop
	};
	parallel_run(o->threads, rows_work, &h);
	*loss = 0;
	for (size_t i = 0; i < batches; i++)
		*loss += h.losses[i];
	talloc_free(mem);
	return o->stop && *o->stop ? ERR_UNAVAILABLE : ERR_OK;
}

double
als_penalty(
    const struct sparse *m, const float *side, const struct als_options *o)
{
	size_t k = o->factors;
	double sum = 0, square;

	for (uint32_t r = 0; r < m->rows; r++) {
		square = 0;
		for (size_t i = 0; i < k; i++)
			square += (double)side[r * k + i] * side[r * k + i];
		sum += (double)ridge_of(m, r, o) * square;
	}
	return sum;
}

enum err
als_fit(TALLOC_CTX *mem, const struct sparse *by_user,
    const struct sparse *by_item, const struct als_options *o, struct als *out)
{
	size_t k = o->factors;
	enum err e;

	assert(k > 0 && k <= ALS_FACTORS_MAX && o->threads > 0);
	assert(
	    by_item->rows == by_user->cols && by_item->cols == by_user->rows);
	out->users = by_user->rows;
	out->items = by_item->rows;
	out->factors = o->factors;
	out->user = large_array(mem, out->users * k, sizeof *out->user);
	out->item = large_array(mem, out->items * k, sizeof *out->item);
	begin_side(out->item, out->items * k, o->factors, o->seed);
	out->loss = 0;
	for (unsigned i = 1; i <= o->iterations; i++) {
		e = als_half(by_user, out->item, out->user, o, &out->loss);
		if (!e)
			e = als_half(
			    by_item, out->user, out->item, o, &out->loss);
		if (e)
			return e;
		out->loss += als_penalty(by_user, out->user, o);
		if (!isfinite(out->loss))
			return ERR_INVALID;
		if (o->report)
			o->report(o->report_arg, i, out->loss);
	}
	return ERR_OK;
}

size_t
als_memory(uint32_t users, uint32_t items, const struct als_options *o)
{
	size_t k = o->factors, more = users > items ? users : items;

	return sizeof(float) * (((size_t)users + items) * k +
				   (more / GRAM_ROWS + 2) * square(k) +
				   o->threads * scratch_size(k));
}
