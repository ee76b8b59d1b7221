/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alternating least squares: systems solved by hand, a slow dense reference in
 * double precision, the loss, and what must be the same every time.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <gsl/gsl_cblas.h>
#include <math.h>

#include "recommend/als.h"

enum { USERS = 40, ITEMS = 30, FACTORS = 5 };

static uint32_t state;

static float
any(void)
{
	state = state * 1664525u + 1013904223u;
	return (float)(state >> 8) / (float)(1 << 24);
}

/* A matrix from a dense one; zeros are not there. */
static struct sparse *
sparse_of(TALLOC_CTX *mem, const float *dense, uint32_t rows, uint32_t cols)
{
	struct triples *t = triples_new(mem);
	struct sparse *m;

	for (uint32_t r = 0; r < rows; r++) {
		for (uint32_t c = 0; c < cols; c++) {
			const struct triple one = { .user = r,
				.item = c,
				.value = dense[r * cols + c] };

			if (one.value < 0 || one.value > 0)
				triples_add(t, &one);
		}
	}
	triples_settle(t, rows);
	m = matrix_new(mem, t, rows, cols);
	talloc_free(t);
	return m;
}

/* About a third of the pairs, preferences from -0.3 to 1.2. */
static void
make_dense(float *dense, size_t n)
{
	state = 5;
	for (size_t i = 0; i < n; i++)
		dense[i] = any() < 0.3f ? any() * 1.5f - 0.3f : 0;
}

static const struct als_options options = {
	.factors = FACTORS,
	.iterations = 8,
	.threads = 2,
	.regularization = 0.02f,
	.unobserved = 0.15f,
	.seed = 7,
};

/* The loss as the header has it, pair by pair. */
static double
dense_loss(const float *dense, const struct als *als)
{
	const double l = (double)options.regularization;
	const double a = (double)options.unobserved;
	double rows[USERS] = { 0 }, cols[ITEMS] = { 0 }, loss = 0;

	for (int u = 0; u < USERS; u++) {
		for (int i = 0; i < ITEMS; i++) {
			double p = (double)dense[u * ITEMS + i], s = 0;

			for (int f = 0; f < FACTORS; f++)
				s += (double)als->user[u * FACTORS + f] *
				     (double)als->item[i * FACTORS + f];
			loss += a * s * s;
			if (p < 0 || p > 0) {
				loss += (p - s) * (p - s);
				rows[u]++;
				cols[i]++;
			}
		}
	}
	for (int u = 0; u < USERS * FACTORS; u++)
		loss += l * (rows[u / FACTORS] + a * ITEMS) *
			pow((double)als->user[u], 2);
	for (int i = 0; i < ITEMS * FACTORS; i++)
		loss += l * (cols[i / FACTORS] + a * USERS) *
			pow((double)als->item[i], 2);
	return loss;
}

/* Gauss without pivots, in double: the system is positive definite. */
static void
solve_slowly(double *a, double *b, int k)
{
	for (int p = 0; p < k; p++) {
		for (int r = p + 1; r < k; r++) {
			double q = a[r * k + p] / a[p * k + p];

			for (int c = p; c < k; c++)
				a[r * k + c] -= q * a[p * k + c];
			b[r] -= q * b[p];
		}
	}
	for (int r = k; r-- > 0;) {
		for (int c = r + 1; c < k; c++)
			b[r] -= a[r * k + c] * b[c];
		b[r] /= a[r * k + r];
	}
}

/* One row by its definition. */
static void
row_slowly(const float *dense, uint32_t cols, const float *fixed, double *x)
{
	double a[FACTORS * FACTORS] = { 0 }, n = 0;

	memset(x, 0, FACTORS * sizeof *x);
	for (uint32_t c = 0; c < cols; c++) {
		const float *y = fixed + c * FACTORS;
		bool rated = dense[c] < 0 || dense[c] > 0;

		n += rated;
		for (int i = 0; i < FACTORS * FACTORS; i++)
			a[i] += ((double)options.unobserved + rated) *
				(double)y[i / FACTORS] * (double)y[i % FACTORS];
		for (int i = 0; i < FACTORS; i++)
			x[i] += (double)dense[c] * (double)y[i];
	}
	for (int i = 0; i < FACTORS; i++)
		a[i * FACTORS + i] +=
		    (double)options.regularization *
		    (n + (double)options.unobserved * (double)cols);
	solve_slowly(a, x, FACTORS);
}

/* One user, one film, one factor: (a + 1) y^2 x + l (1 + a) x = p y. */
Test(als, one_rating_by_hand)
{
	const struct als_options o = { .factors = 1,
		.threads = 1,
		.regularization = 0.5f,
		.unobserved = 0.25f };
	const float p = 0.8f, y = 2;
	struct sparse *m = sparse_of(NULL, &p, 1, 1);
	float x = 0;
	double loss;

	cr_assert_eq(als_half(m, &y, &x, &o, &loss), ERR_OK);
	cr_expect_float_eq(x, 0.8f * 2 / (1.25f * 4 + 0.5f * 1.25f), 1e-6f);
	cr_expect_float_eq(loss,
	    pow(0.8 - 2 * (double)x, 2) + 0.25 * pow(2 * (double)x, 2) +
		0.625 * pow((double)x, 2),
	    1e-6);
	talloc_free(m);
}

/* Two factors that do not meet: the system is diagonal. */
Test(als, two_factors_by_hand)
{
	const struct als_options o = { .factors = 2,
		.threads = 1,
		.regularization = 0.1f,
		.unobserved = 0.5f };
	const float p[] = { 1, -1 }, y[] = { 3, 0, 0, 1 };
	struct sparse *m = sparse_of(NULL, p, 1, 2);
	float x[2];
	double loss;

	cr_assert_eq(als_half(m, y, x, &o, &loss), ERR_OK);
	cr_expect_float_eq(x[0], 3 / (1.5f * 9 + 0.1f * 3), 1e-6f);
	cr_expect_float_eq(x[1], -1 / (1.5f * 1 + 0.1f * 3), 1e-6f);
	talloc_free(m);
}

Test(als, half_an_iteration_agrees_with_the_dense_reference)
{
	static float dense[USERS * ITEMS], fixed[ITEMS * FACTORS];
	static float solved[USERS * FACTORS];
	struct sparse *m;
	double x[FACTORS], loss;

	make_dense(dense, USERS * ITEMS);
	for (int i = 0; i < ITEMS * FACTORS; i++)
		fixed[i] = any() - 0.5f;
	m = sparse_of(NULL, dense, USERS, ITEMS);
	cr_assert_eq(als_half(m, fixed, solved, &options, &loss), ERR_OK);
	for (int u = 0; u < USERS; u++) {
		row_slowly(dense + u * ITEMS, ITEMS, fixed, x);
		for (int f = 0; f < FACTORS; f++)
			cr_expect_float_eq(
			    (double)solved[u * FACTORS + f], x[f], 1e-4);
	}
	talloc_free(m);
}

/* Blocks: a row with more ratings than are gathered at a time. */
Test(als, long_rows_are_solved_in_blocks)
{
	enum { MANY = 1000 };
	static float dense[MANY], fixed[MANY * FACTORS];
	float solved[FACTORS];
	struct sparse *m;
	double x[FACTORS], loss;

	state = 9;
	for (int i = 0; i < MANY; i++)
		dense[i] = any() + 0.1f;
	for (int i = 0; i < MANY * FACTORS; i++)
		fixed[i] = any() - 0.5f;
	m = sparse_of(NULL, dense, 1, MANY);
	cr_assert_eq(als_half(m, fixed, solved, &options, &loss), ERR_OK);
	row_slowly(dense, MANY, fixed, x);
	for (int f = 0; f < FACTORS; f++)
		cr_expect_float_eq((double)solved[f], x[f], 1e-4);
	talloc_free(m);
}

struct course {
	double last;
	unsigned told;
};

static void
never_rises(void *report_arg, unsigned iteration, double loss)
{
	struct course *c = report_arg;

	cr_expect_eq(iteration, c->told + 1);
	if (c->told > 0)
		cr_expect_leq(loss, c->last * (1 + 1e-6));
	c->last = loss;
	c->told++;
}

static enum err
fit(TALLOC_CTX *mem, const float *dense, const struct als_options *o,
    struct als *als)
{
	struct sparse *m = sparse_of(mem, dense, USERS, ITEMS);

	return als_fit(mem, m, matrix_transpose(mem, m), o, als);
}

Test(als, the_loss_never_rises_and_is_the_loss)
{
	static float dense[USERS * ITEMS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als_options o = options;
	struct course course = { 0 };
	struct als als;

	make_dense(dense, USERS * ITEMS);
	o.iterations = 30;
	o.report = never_rises;
	o.report_arg = &course;
	cr_assert_eq(fit(mem, dense, &o, &als), ERR_OK);
	cr_expect_eq(course.told, 30);
	cr_expect_float_eq(als.loss, dense_loss(dense, &als), 1e-4 * als.loss);
	talloc_free(mem);
}

Test(als, the_same_with_any_number_of_threads)
{
	static float dense[USERS * ITEMS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als_options o = options;
	struct als one, again, more, other;

	make_dense(dense, USERS * ITEMS);
	o.threads = 1;
	cr_assert_eq(fit(mem, dense, &o, &one), ERR_OK);
	cr_assert_eq(fit(mem, dense, &o, &again), ERR_OK);
	o.threads = 4;
	cr_assert_eq(fit(mem, dense, &o, &more), ERR_OK);
	o.seed++;
	cr_assert_eq(fit(mem, dense, &o, &other), ERR_OK);
	cr_expect_arr_eq(one.item, again.item, ITEMS * FACTORS * sizeof(float));
	cr_expect_arr_eq(one.user, more.user, USERS * FACTORS * sizeof(float));
	cr_expect_arr_eq(one.item, more.item, ITEMS * FACTORS * sizeof(float));
	cr_expect_arr_neq(
	    one.item, other.item, ITEMS * FACTORS * sizeof(float));
	talloc_free(mem);
}

/* Users and items without ratings have no factors. */
Test(als, empty_rows_are_zero)
{
	static float dense[USERS * ITEMS];
	static const float none[FACTORS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als als;

	make_dense(dense, USERS * ITEMS);
	for (int i = 0; i < ITEMS; i++)
		dense[3 * ITEMS + i] = 0;
	for (int u = 0; u < USERS; u++)
		dense[u * ITEMS + 4] = 0;
	cr_assert_eq(fit(mem, dense, &options, &als), ERR_OK);
	cr_expect_arr_eq(als.user + 3 * FACTORS, none, sizeof none);
	cr_expect_arr_eq(als.item + 4 * FACTORS, none, sizeof none);
	talloc_free(mem);
}

/* A user with the same rating for everything is handled like others. */
Test(als, everything_rated_alike)
{
	static float dense[USERS * ITEMS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als als;
	float score = 0;

	for (int i = 0; i < USERS * ITEMS; i++)
		dense[i] = 1;
	cr_assert_eq(fit(mem, dense, &options, &als), ERR_OK);
	for (int f = 0; f < FACTORS; f++)
		score += als.user[f] * als.item[f];
	cr_expect_gt(score, 0.5f);
	cr_expect_lt(score, 1);
	talloc_free(mem);
}

/* No regularization, and fewer ratings than factors: no one solution. */
Test(als, a_singular_system_leaves_the_row_without_factors)
{
	struct als_options o = options;
	const float p = 1, y[FACTORS] = { 0 };
	struct sparse *m = sparse_of(NULL, &p, 1, 1);
	float x[FACTORS] = { 1, 1, 1, 1, 1 };
	double loss;

	o.regularization = 0;
	o.unobserved = 0;
	cr_assert_eq(als_half(m, y, x, &o, &loss), ERR_OK);
	for (int f = 0; f < FACTORS; f++)
		cr_expect_eq(x[f], 0);
	cr_expect_float_eq(loss, 1, 1e-9);
	talloc_free(m);
}

Test(als, what_is_no_number_is_refused)
{
	static float dense[USERS * ITEMS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als als;

	make_dense(dense, USERS * ITEMS);
	dense[11] = INFINITY;
	cr_expect_eq(fit(mem, dense, &options, &als), ERR_INVALID);
	talloc_free(mem);
}

Test(als, stops_when_told)
{
	static float dense[USERS * ITEMS];
	TALLOC_CTX *mem = talloc_new(NULL);
	struct als_options o = options;
	volatile sig_atomic_t stop = 1;
	struct als als;

	make_dense(dense, USERS * ITEMS);
	o.stop = &stop;
	cr_expect_eq(fit(mem, dense, &o, &als), ERR_UNAVAILABLE);
	talloc_free(mem);
}

/* GSL brings a reference CBLAS that is many times slower. */
Test(als, the_fast_blas_is_the_one_called)
{
	Dl_info info;

	cr_assert_neq(dladdr((void *)(uintptr_t)&cblas_ssyrk, &info), 0);
	cr_expect_not_null(
	    strstr(info.dli_fname, "openblas"), "%s", info.dli_fname);
}
