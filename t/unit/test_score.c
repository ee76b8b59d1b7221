/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scores: their two halves, their explanation, and the choice of the best.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/mem.h"
#include "recommend/score.h"

enum { ITEMS = 40, FACTORS = 6, NEAR = 3 };

/* Two kinds of films, even and odd; neighbours are the next of a kind. */
static struct model *
two_kinds(TALLOC_CTX *mem)
{
	struct model *m = model_new(mem, ITEMS, FACTORS);

	m->regularization = 0.01f;
	m->unobserved = 0.1f;
	m->near_scale = 0.5f;
	m->near.n = ITEMS * NEAR;
	m->taste = (struct taste){ .stars = { -0.2f, 0.1f, 0.4f, 0.8f, 1.2f },
		.floor = 0.5f,
		.half = 10,
		.near_half = 5 };
	m->near.index = mem_array(m, uint32_t, ITEMS * NEAR);
	m->near.weight = mem_array(m, float, ITEMS *NEAR);
	for (uint32_t i = 0; i < ITEMS; i++) {
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
	model_prepare(m);
	return m;
}

Test(score, is_factors_and_neighbours)
{
	static const uint32_t items[] = { 0, 2 };
	static const float preferences[] = { 1, 2 };
	const struct history h = { 2, items, preferences };
	struct model *m = two_kinds(NULL);
	struct fold *f = fold_new(m, m);
	float all[ITEMS], factors[ITEMS], near[ITEMS] = { 0 };

	score_all(f, &h, all);
	score_factors(f, factors);
	m->near_scale = 1;
	fold_run(f, &h);
	score_near(f, &h, near);
	/* 0 is followed by 2, 4 and 6; 2, rated later, by 4, 6 and 8 */
	cr_expect_float_eq(near[2], exp2f(-0.2f), 1e-6f);
	cr_expect_float_eq(near[4], 0.5f * exp2f(-0.2f) + 2, 1e-6f);
	cr_expect_float_eq(near[8], 2 / 3.0f, 1e-6f);
	cr_expect_eq(near[5], 0);
	for (int i = 0; i < ITEMS; i++)
		cr_expect_float_eq(all[i], factors[i] + 0.5f * near[i], 1e-6f);
	talloc_free(m);
}

/* What is told to have contributed is what was ranked by. */
Test(score, parts_add_up_to_the_score)
{
	static const uint32_t items[] = { 1, 8, 10, 33, 12, ITEMS + 5 };
	static const float preferences[] = { 1, -0.2f, 0.4f, 1.2f, 0.8f, 1 };
	const struct history h = { 6, items, preferences };
	struct model *m = two_kinds(NULL);
	struct fold *f = fold_new(m, m);
	float all[ITEMS], parts[6], sum;

	score_all(f, &h, all);
	for (uint32_t i = 0; i < ITEMS; i++) {
		score_parts(f, &h, i, parts);
		sum = 0;
		for (int j = 0; j < 6; j++)
			sum += parts[j];
		cr_expect_float_eq(sum, all[i], 1e-4f);
		cr_expect_eq(parts[5], 0);
	}
	talloc_free(m);
}

/* The file is overwritten where the neighbours are. */
Test(score, stays_in_bounds_whatever_the_neighbours_are)
{
	static const uint32_t items[] = { 0, 8, 10, 33 };
	static const float preferences[] = { 1, -0.2f, 0.4f, 1.2f };
	const struct history h = { 4, items, preferences };
	struct model *m = two_kinds(NULL);
	struct fold *f = fold_new(m, m);
	float *all = mem_array(m, float, ITEMS), parts[4];

	m->near.index[0] = UINT32_MAX;
	m->near.index[1] = ITEMS;
	m->near.start[9] = SIZE_MAX;
	m->near.start[10] = SIZE_MAX / 2;
	m->near.start[11] = 0;
	m->near.start[33] = 1 << 20;
	score_all(f, &h, all);
	for (uint32_t i = 0; i < ITEMS; i++) {
		cr_expect(isfinite(all[i]));
		score_parts(f, &h, i, parts);
	}
	talloc_free(m);
}

static float
mean_of(const float *scores, uint32_t kind)
{
	float sum = 0;

	for (uint32_t i = kind; i < ITEMS; i += 2)
		sum += scores[i];
	return sum / (ITEMS / 2);
}

/* Five stars pull towards films of a kind, one star pushes away from them. */
Test(score, one_star_does_not_pull_towards_such_films)
{
	static const uint32_t items[] = { 0, 6, 12, 18, 24 };
	struct model *m = two_kinds(NULL);
	struct fold *f = fold_new(m, m);
	float scores[ITEMS], preferences[5];
	const struct history h = { 5, items, preferences };

	for (int j = 0; j < 5; j++)
		preferences[j] = taste_preference(&m->taste, 5);
	score_all(f, &h, scores);
	cr_expect_gt(mean_of(scores, 0), mean_of(scores, 1) + 0.1f);
	for (int j = 0; j < 5; j++)
		preferences[j] = taste_preference(&m->taste, 1);
	score_all(f, &h, scores);
	cr_expect_lt(mean_of(scores, 0), mean_of(scores, 1));
	talloc_free(m);
}

static const float *sorted_by;

static int
best_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (sorted_by[x] > sorted_by[y])
		return -1;
	if (sorted_by[x] < sorted_by[y])
		return 1;
	return x < y ? -1 : x > y;
}

/* Against sorting all; scores are few, so that many are equal. */
Test(score, the_top_is_what_sorting_has_first)
{
	enum { N = 1000 };
	static float scores[N];
	static uint32_t sorted[N], top[N];
	uint32_t state = 3;

	for (uint32_t i = 0; i < N; i++) {
		state = state * 1664525u + 1013904223u;
		scores[i] = (float)(state >> 25) - 60;
		sorted[i] = i;
	}
	sorted_by = scores;
	qsort(sorted, N, sizeof *sorted, best_first);
	for (size_t n = 0; n <= N; n += n < 20 ? 1 : 245) {
		cr_expect_eq(score_top(scores, N, n, top), n);
		cr_expect_arr_eq(top, sorted, n * sizeof *top);
	}
}

Test(score, what_is_excluded_is_never_chosen)
{
	const float scores[] = { -INFINITY, 1, NAN, 3, -INFINITY, -5 };
	uint32_t top[6];

	cr_expect_eq(score_top(scores, 6, 6, top), 3);
	cr_expect_eq(top[0], 3);
	cr_expect_eq(top[1], 1);
	cr_expect_eq(top[2], 5);
	cr_expect_eq(score_top(scores, 1, 6, top), 0);
	cr_expect_eq(score_top(scores, 0, 6, top), 0);
}

Test(score, similar_ones_are_of_a_kind_and_neighbours_first)
{
	struct model *m = two_kinds(NULL);
	float all[ITEMS];
	uint32_t top[ITEMS];

	score_similar(m, 5, all);
	cr_expect_eq(score_top(all, ITEMS, NEAR, top), NEAR);
	for (uint32_t n = 0; n < NEAR; n++)
		cr_expect_eq(top[n], 5 + 2 * (n + 1));
	cr_expect(all[5] < 0, "not the item itself");
	for (uint32_t i = 0; i < ITEMS; i++)
		cr_expect(all[i] <= 1);
	cr_expect(all[7] > 0.9f);
}

Test(score, similar_ones_with_few_ratings_count_less)
{
	struct model *m = two_kinds(NULL);
	uint32_t ratings[ITEMS] = { [7] = 1000 };
	float all[ITEMS], offsets[ITEMS] = { 0 };

	m->near.n = 0;
	m->ratings = ratings;
	score_similar(m, 5, all);
	cr_expect(all[9] > 0.4f, "its factors were imported");
	m->offset = offsets;
	score_similar(m, 5, all);
	cr_expect(all[7] > 0.4f);
	cr_expect(all[9] < 0, "without ratings it is not similar");
	memset(m->item, 0, ITEMS * m->stride * sizeof *m->item);
	score_similar(m, 5, all);
	cr_expect_eq(score_top(all, ITEMS, ITEMS, ratings), 0);
	talloc_free(m);
}
