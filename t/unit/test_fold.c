/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding in: a system solved by hand, the same answer as training, and parts
 * that add up.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "recommend/als.h"
#include "recommend/cholesky.h"
#include "recommend/fold.h"
#include "recommend/vector.h"

enum { ITEMS = 50, FACTORS = 11, RATED = 30 };

static const uint32_t rated[RATED] = { 3, 4, 7, 0, 49, 20, 21, 22, 23, 24, 25,
	26, 27, 28, 29, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	30 };
static float preferences[RATED];

static const struct taste plain = {
	.stars = { 1, 1, 1, 1, 1 }, .floor = 1, .half = 1, .near_half = 1
};

/* Factors that are anything, from a rule. */
static struct model *
model_any(TALLOC_CTX *mem, uint32_t items, unsigned factors)
{
	struct model *m = model_new(mem, items, factors);

	m->regularization = 0.05f;
	m->unobserved = 0.2f;
	m->taste = plain;
	for (uint32_t i = 0; i < items; i++) {
		for (unsigned f = 0; f < factors; f++)
			m->item[i * m->stride + f] =
			    sinf((float)(i * 7 + f * f + 1));
	}
	model_prepare(m);
	return m;
}

static struct history
any_history(void)
{
	for (int j = 0; j < RATED; j++)
		preferences[j] = cosf((float)j);
	return (struct history){
		.n = RATED, .item = rated, .preference = preferences
	};
}

/* One factor, two films of 2 and 1, the first rated. */
Test(fold, one_rating_by_hand)
{
	static const uint32_t item = 0;
	static const float preference = 0.8f;
	const struct history h = { 1, &item, &preference };
	struct model *m = model_new(NULL, 2, 1);
	struct fold *f = fold_new(m, m);

	m->item[0] = 2;
	m->item[m->stride] = 1;
	m->regularization = 0.5f;
	m->unobserved = 0.25f;
	m->taste = plain;
	model_prepare(m);
	fold_run(f, &h);
	cr_expect_float_eq(f->x[0],
	    0.8f * 2 / (0.25f * 5 + 4 + 0.5f * (1 + 0.25f * 2)), 1e-6f);
	talloc_free(m);
}

/* What training makes of a user, serving makes of the same ratings. */
Test(fold, agrees_with_training)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct model *m = model_any(mem, ITEMS, FACTORS);
	struct fold *f = fold_new(mem, m);
	struct history h = any_history();
	const struct als_options o = { .factors = FACTORS,
		.threads = 1,
		.regularization = m->regularization,
		.unobserved = m->unobserved };
	struct triples *t = triples_new(mem);
	float fixed[ITEMS * FACTORS], x[FACTORS];
	double loss;

	for (int j = 0; j < RATED; j++)
		triples_add(t, &(struct triple){
				   .item = rated[j], .value = preferences[j] });
	triples_settle(t, 1);
	for (int i = 0; i < ITEMS * FACTORS; i++)
		fixed[i] = m->item[(size_t)(i / FACTORS) * m->stride +
				   (size_t)(i % FACTORS)];
	cr_assert_eq(
	    als_half(matrix_new(mem, t, 1, ITEMS), fixed, x, &o, &loss),
	    ERR_OK);
	fold_run(f, &h);
	cr_expect(f->solved);
	for (int i = 0; i < FACTORS; i++)
		cr_expect_float_eq(f->x[i], x[i], 1e-4f);
	talloc_free(mem);
}

Test(fold, parts_add_up_to_the_agreement)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct model *m = model_any(mem, ITEMS, FACTORS);
	struct fold *f = fold_new(mem, m);
	struct history h = any_history();
	float parts[RATED], sum;

	m->taste.floor = 0.2f;
	m->taste.half = 7;
	fold_run(f, &h);
	for (uint32_t i = 0; i < ITEMS; i++) {
		fold_parts(f, &h, m->item + i * m->stride, 0, parts);
		sum = 0;
		for (int j = 0; j < RATED; j++)
			sum += parts[j];
		cr_expect_float_eq(sum,
		    vector_dot(f->x, m->item + i * m->stride, m->stride),
		    1e-4f);
	}
	talloc_free(mem);
}

Test(fold, later_ratings_weigh_more)
{
	struct taste t = plain;

	t.floor = 0.25f;
	t.half = 2;
	t.near_half = 1;
	cr_expect_float_eq(taste_weight(&t, 4, 5), 1, 1e-6f);
	cr_expect_float_eq(taste_weight(&t, 2, 5), 0.625f, 1e-6f);
	cr_expect_float_eq(taste_weight(&t, 0, 1000), 0.25f, 1e-6f);
	cr_expect_float_eq(taste_near_weight(&t, 3, 5), 0.5f, 1e-6f);
}

Test(fold, stars_become_preferences)
{
	const struct taste t = { .stars = { -1, 0, 0.5f, 0.75f, 1 } };

	cr_expect_float_eq(taste_preference(&t, 0.5f), -1, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, 1), -1, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, 1.5f), -0.5f, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, 4), 0.75f, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, 5), 1, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, 9), 1, 1e-6f);
	cr_expect_float_eq(taste_preference(&t, NAN), -1, 1e-6f);
}

/* No ratings, no factors; films that are not in the model are ignored. */
Test(fold, without_ratings_there_is_nothing)
{
	static const uint32_t unknown[] = { ITEMS, UINT32_MAX };
	static const float preference[] = { 1, 1 };
	const struct history none = { 0 }, strange = { 2, unknown, preference };
	struct model *m = model_any(NULL, ITEMS, FACTORS);
	struct fold *f = fold_new(m, m);
	float parts[2] = { 9, 9 };

	fold_run(f, &none);
	for (unsigned i = 0; i < FACTORS; i++)
		cr_expect_eq(f->x[i], 0);
	fold_run(f, &strange);
	for (unsigned i = 0; i < FACTORS; i++)
		cr_expect_eq(f->x[i], 0);
	fold_parts(f, &strange, m->item + 3 * m->stride, 0, parts);
	cr_expect_eq(parts[0], 0);
	cr_expect_eq(parts[1], 0);
	talloc_free(m);
}

/* The mean factors are a part of their own, and fade with more ratings. */
Test(fold, a_beginner_has_everybodys_taste)
{
	struct model *m = model_any(NULL, ITEMS, FACTORS);
	struct fold *f = fold_new(m, m);
	struct history h = any_history();
	const float *y = m->item + 4 * m->stride;
	float parts[RATED], sum, before = 1;

	for (unsigned i = 0; i < FACTORS; i++)
		m->mean[i] = (float)i;
	m->taste.common = 0.5f;
	m->taste.first_fade = 8;
	for (h.n = 0; h.n < RATED; h.n += 5) {
		fold_run(f, &h);
		cr_expect_lt(f->common, before);
		before = f->common;
		fold_parts(f, &h, y, 0, parts);
		sum = fold_common(f, y);
		for (size_t j = 0; j < h.n; j++)
			sum += parts[j];
		cr_expect_float_eq(sum, vector_dot(f->x, y, m->stride), 1e-4f);
	}
	h.n = 0;
	fold_run(f, &h);
	cr_expect_float_eq(f->x[3], 0.5f * 3, 1e-6f);
	talloc_free(m);
}

Test(fold, a_singular_system_gives_no_factors)
{
	struct history h = any_history();
	struct model *m = model_new(NULL, ITEMS, FACTORS);
	struct fold *f = fold_new(m, m);
	float parts[RATED];

	m->taste = plain;
	model_prepare(m);
	fold_run(f, &h);
	cr_expect_not(f->solved);
	fold_parts(f, &h, m->item + 3 * m->stride, 0, parts);
	for (unsigned i = 0; i < FACTORS; i++)
		cr_expect_eq(f->x[i], 0);
	for (int j = 0; j < RATED; j++)
		cr_expect_eq(parts[j], 0);
	talloc_free(m);
}

/* u'u x = b for matrices of every size, put together from a known x. */
Test(fold, systems_of_any_size)
{
	for (size_t k = 1; k <= 70; k++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		size_t s = model_stride((unsigned)k);
		float *a = model_floats(mem, k * s);
		float *x = model_floats(mem, s);

		for (size_t r = 0; r < k; r++) {
			for (size_t c = r; c < k; c++)
				a[r * s + c] = r == c ? (float)k + 1 :
							sinf((float)(r * c));
		}
		for (size_t r = 0; r < k; r++) {
			for (size_t c = 0; c < k; c++)
				x[r] +=
				    a[(r < c ? r : c) * s + (r < c ? c : r)] *
				    cosf((float)c);
		}
		cr_assert(cholesky_factor(a, k, s));
		cholesky_solve(a, k, s, x);
		for (size_t c = 0; c < k; c++)
			cr_expect_float_eq(x[c], cosf((float)c), 1e-4f);
		talloc_free(mem);
	}
}

Test(fold, what_is_not_positive_definite_is_told)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	size_t s = model_stride(9);
	float *a = model_floats(mem, 9 * s);

	for (size_t r = 0; r < 9; r++)
		a[r * s + r] = 1;
	a[8 * s + 8] = -1;
	cr_expect_not(cholesky_factor(a, 9, s));
	a[0] = NAN;
	cr_expect_not(cholesky_factor(a, 9, s));
	talloc_free(mem);
}
