/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Predicted ratings: their terms, one movie and all movies at once, and what is
 * fitted to held-out ratings.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/mem.h"
#include "recommend/calibrate.h"
#include "recommend/evaluate.h"
#include "recommend/predict.h"

enum { ITEMS = 150, FACTORS = 6, NEAR = 3 };

static TALLOC_CTX *mem;

static void
set_up(void)
{
	mem = talloc_new(NULL);
}

static void
tear_down(void)
{
	talloc_free(mem);
}

TestSuite(predict, .init = set_up, .fini = tear_down);

/* Two kinds of movies, even and odd; neighbours are the next of a kind. */
static struct model *
two_kinds(void)
{
	struct model *m = model_new(mem, ITEMS, FACTORS);

	m->near.n = ITEMS * NEAR;
	m->near.index = mem_array(m, uint32_t, ITEMS * NEAR);
	m->near.weight = mem_array(m, float, ITEMS *NEAR);
	m->offset = model_floats(m, ITEMS);
	m->ratings = mem_array(m, uint32_t, ITEMS);
	m->predict.mean = 3.5f;
	predict_defaults(&m->predict);
	for (uint32_t i = 0; i < ITEMS; i++) {
		m->ratings[i] = i;
		m->offset[i] = sinf((float)i) / 4;
		for (unsigned f = 0; f < FACTORS; f++)
			m->item[i * m->stride + f] =
			    0.1f * sinf((float)(i * 3 + f));
		m->item[i * m->stride + i % 2] += 1;
		m->near.start[i + 1] = (size_t)(i + 1) * NEAR;
		for (uint32_t n = 0; n < NEAR; n++) {
			m->near.index[i * NEAR + n] = (i + 2 * (n + 1)) % ITEMS;
			m->near.weight[i * NEAR + n] = 1 / (float)(n + 1);
		}
	}
	return m;
}

Test(predict, bins_of_numbers_of_ratings)
{
	static const size_t least[] = { 0, 1, 4, 16, 64 };

	for (unsigned bin = 0; bin < PREDICT_BINS; bin++) {
		cr_expect_eq(predict_bin(least[bin]), bin);
		if (bin > 0)
			cr_expect_eq(predict_bin(least[bin] - 1), bin - 1);
	}
	cr_expect_eq(predict_bin(SIZE_MAX), PREDICT_BINS - 1);
}

Test(predict, an_offset_is_damped)
{
	cr_expect_float_eq(predict_offset(3.5f, 0, 0), 0, 1e-6);
	cr_expect_float_eq(predict_offset(3.5f, 25, 5), 0.75, 1e-6);
	cr_expect_float_eq(predict_offset(3, 1, 1), -2 / 6.0, 1e-6);
}

Test(predict, without_ratings_the_offset_decides)
{
	struct model *m = two_kinds();
	struct predictor *p = predictor_new(mem, m, NULL, NULL, 0);

	cr_expect_eq(predictor_bin(p), 0);
	cr_expect_float_eq(predictor_stars(p, 7, m->offset[7]),
	    3.5 + (double)m->offset[7], 1e-6);
	cr_expect_float_eq(predictor_stars(p, MODEL_NONE, 0.25f), 3.75, 1e-6);
}

Test(predict, unknown_movies_are_ignored)
{
	static const uint32_t known[] = { 3, 8 },
			      all[] = { 3, MODEL_NONE, 8, ITEMS };
	static const float two[] = { 5, 2 }, four[] = { 5, 1, 2, 1 };
	struct model *m = two_kinds();
	struct predictor *a = predictor_new(mem, m, known, two, 2);
	struct predictor *b = predictor_new(mem, m, all, four, 4);

	cr_expect_eq(predictor_bin(a), predictor_bin(b));
	for (uint32_t i = 0; i < ITEMS; i++)
		cr_expect_float_eq(
		    predictor_stars(a, i, 0), predictor_stars(b, i, 0), 1e-6);
}

/* Who likes even movies more than odd ones is predicted to. */
Test(predict, residuals_count_for_movies_of_a_kind)
{
	static const uint32_t items[] = { 0, 2, 4, 1, 3, 5 };
	static const float stars[] = { 5, 5, 5, 1, 1, 1 };
	struct model *m = two_kinds();
	struct predictor *p = predictor_new(mem, m, items, stars, 6);
	float even[PREDICT_TERMS], odd[PREDICT_TERMS];

	predictor_terms(p, 6, m->offset[6], even);
	predictor_terms(p, 7, m->offset[7], odd);
	cr_expect_gt(even[TERM_FACTORS], 0.1f);
	cr_expect_lt(odd[TERM_FACTORS], -0.1f);
	cr_expect_gt(even[TERM_NEAR], 0.1f);
	cr_expect_lt(odd[TERM_NEAR], -0.1f);
	cr_expect_float_eq(even[TERM_LEVEL], odd[TERM_LEVEL], 1e-6);
}

Test(predict, factors_of_zeros_and_infinite_stars)
{
	static const uint32_t items[] = { 0, 1 };
	static const float stars[] = { INFINITY, 3 };
	struct model *m = two_kinds();
	struct predictor *p;
	float terms[PREDICT_TERMS];

	memset(m->item, 0, ITEMS * m->stride * sizeof *m->item);
	p = predictor_new(mem, m, items, stars, 2);
	predictor_terms(p, 9, 0, terms);
	cr_expect_float_eq(terms[TERM_FACTORS], 0, 1e-6);
}

/* More items than a block; the same as one by one. */
Test(predict, the_least_of_a_group)
{
	static const uint32_t items[] = { 0, 2, 5, 70, 149 };
	static const float stars[2][5] = { { 5, 4, 1, 2, 5 },
		{ 1, 1, 5, 3, 3 } };
	struct model *m = two_kinds();
	struct predictor *p[3];
	float least[ITEMS];

	for (int t = 0; t < PREDICT_TERMS; t++) {
		for (int u = 0; u < PREDICT_BINS; u++)
			m->predict.weight[u][t] = 0.3f + (float)(t + u) / 10;
	}
	p[0] = predictor_new(mem, m, items, stars[0], 5);
	p[1] = predictor_new(mem, m, items, stars[1], 5);
	p[2] = predictor_new(mem, m, NULL, NULL, 0);
	predict_least(p, 3, least);
	for (uint32_t i = 0; i < ITEMS; i++) {
		float expected = INFINITY;

		for (int u = 0; u < 3; u++)
			expected = fminf(
			    expected, predictor_stars(p[u], i, m->offset[i]));
		cr_expect_float_eq(least[i], expected, 1e-4);
	}
}

Test(predict, stars_are_within_one_and_five)
{
	cr_expect_float_eq(predict_clip(-2), 1, 1e-6);
	cr_expect_float_eq(predict_clip(7), 5, 1e-6);
	cr_expect_float_eq(predict_clip(4.4f), 4.4, 1e-6);
}

/* ------------------------------------------------------------- calibration */

enum { USERS = 400, EACH = 30, MADE = 90 };

/* In (-1, 1), the same every time. */
static float
noise(uint32_t n)
{
	return (float)((n * 2654435761u) >> 8) / (float)(1 << 23) - 1;
}

/* Stars by user, movie and kind, which the means do not know. */
static struct sparse *
made_up(void)
{
	struct sparse *m = matrix_room(mem, USERS, MADE, USERS * EACH);
	size_t n = 0;

	for (uint32_t u = 0; u < USERS; u++) {
		for (uint32_t k = 0; k < EACH; k++) {
			uint32_t item = (u * 7 + k * 11) % MADE;

			m->index[n] = item;
			m->value[n++] = 3 + noise(u) / 2 +
					noise(item + 5000) / 2 +
					(u % 2 == item % 2 ? 0.8f : -0.8f) +
					noise(u * 1000 + item) / 4;
		}
		m->start[u + 1] = n;
	}
	return m;
}

/* A model of the two kinds, calibrated to all users. */
static struct model *
calibrated(struct calibration *out)
{
	struct sparse *all = made_up(), *kept;
	struct model *m = model_new(mem, MADE, 2);
	struct held_out held = { .all = all };
	bool *evaluated = mem_array(mem, bool, USERS);

	memset(evaluated, true, USERS);
	held.evaluated = evaluated;
	kept = evaluate_hold_out(
	    mem, all, evaluated, 0, triples_new(mem), &held.numbers);
	cr_assert_eq(kept->cols, MADE);
	for (uint32_t i = 0; i < MADE; i++)
		m->item[i * m->stride + i % 2] = 1;
	calibrate_offsets(mem, m, kept);
	cr_assert_eq(calibrate(m, &held, out), ERR_OK);
	return m;
}

Test(predict, calibration_beats_the_means)
{
	struct calibration c;
	struct model *m = calibrated(&c);

	cr_expect_eq(c.ratings, USERS * (EACH / 5));
	cr_expect_eq(m->predict.held, c.ratings);
	cr_expect_lt(c.user_movie, c.movie);
	cr_expect_lt(c.predicted, c.user_movie / 2);
	cr_expect_float_eq(m->predict.error[3][4], c.predicted, 0.05);
	for (int bin = 1; bin < PREDICT_BINS - 1; bin++)
		cr_expect_lt(m->predict.error[bin][4],
		    m->predict.error[bin - 1][4],
		    "more ratings, smaller error");
	cr_expect_gt(m->predict.weight[3][TERM_FACTORS], 0.5f);
}

/* The bin of movies without ratings has no ratings of its own. */
Test(predict, errors_of_empty_bins_are_those_of_the_others)
{
	struct calibration c;
	struct model *m = calibrated(&c);

	for (int u = 0; u < PREDICT_BINS; u++) {
		for (int i = 0; i < PREDICT_BINS; i++)
			cr_expect(m->predict.error[u][i] > 0 &&
				  m->predict.error[u][i] < 2);
	}
}

Test(predict, nothing_held_out_leaves_the_defaults)
{
	struct model *m = two_kinds();
	struct sparse *all = made_up();
	bool *evaluated = mem_array(mem, bool, USERS);
	struct held_out held = { .all = all, .evaluated = evaluated };
	struct calibration c;
	struct predict before;

	memset(evaluated, false, USERS);
	predict_defaults(&before);
	cr_assert_eq(calibrate(m, &held, &c), ERR_OK);
	cr_expect_eq(c.ratings, 0);
	cr_expect_eq(m->predict.held, 0);
	cr_expect_arr_eq(
	    m->predict.weight, before.weight, sizeof before.weight);
	cr_expect_arr_eq(m->predict.error, before.error, sizeof before.error);
}

Test(predict, calibration_can_be_stopped)
{
	static const volatile sig_atomic_t stop = 1;
	struct model *m = two_kinds();
	struct sparse *all = made_up();
	struct held_out held = { .all = all, .stop = &stop };
	struct calibration c;

	cr_expect_eq(calibrate(m, &held, &c), ERR_UNAVAILABLE);
}

/* Without its mean of means, a movie with one rating is near the mean of all.
 */
Test(predict, offsets_of_ratings)
{
	struct sparse *by_user = matrix_room(mem, 1, 2, 2);
	struct model m = { .items = 2 };

	by_user->start[1] = 2;
	by_user->index[1] = 1;
	by_user->value[0] = 5;
	by_user->value[1] = 2;
	calibrate_offsets(mem, &m, by_user);
	cr_expect_float_eq(m.predict.mean, 3.5, 1e-6);
	cr_expect_float_eq(m.offset[0], 0.25, 1e-6);
	cr_expect_float_eq(m.offset[1], -0.25, 1e-6);
	cr_expect_eq(m.ratings[0], 1);
}
