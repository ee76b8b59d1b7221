/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judging lists: the split and the metrics, by hand.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "recommend/evaluate.h"
#include "recommend/rank.h"

static struct triples *
triples_of(TALLOC_CTX *mem, uint32_t user, const float *stars, uint32_t n)
{
	struct triples *t = triples_new(mem);

	for (uint32_t i = 0; i < n; i++)
		triples_add(t, &(struct triple){ .user = user,
				   .item = i,
				   .value = stars[i],
				   .time = (int64_t)i });
	triples_settle(t, user + 1);
	return t;
}

/* Of eleven ratings the last two are the window; only what was liked goes. */
Test(evaluate, the_window_is_a_fifth)
{
	static const float stars[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 3.5f, 4 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct triples *t = triples_of(mem, 0, stars, 11);
	struct triples *held = triples_new(mem);

	evaluate_split(t, held);
	cr_expect_eq(t->n, 10);
	cr_assert_eq(held->n, 1);
	cr_expect_eq(held->list[0].item, 10);
	talloc_free(mem);
}

Test(evaluate, at_least_one_unless_it_is_the_only_one)
{
	static const float stars[] = { 5, 5, 5 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct triples *one = triples_of(mem, 0, stars, 1);
	struct triples *three = triples_of(mem, 1, stars, 3);
	struct triples *held = triples_new(mem);

	evaluate_split(one, held);
	cr_expect_eq(held->n, 0);
	evaluate_split(three, held);
	cr_assert_eq(held->n, 1);
	cr_expect_eq(held->list[0].item, 2);
	cr_expect_eq(three->n, 2);
	talloc_free(mem);
}

/* An item with held-out ratings only is not in the training. */
Test(evaluate, items_that_only_the_window_has_are_forgotten)
{
	static const float stars[] = { 5, 5, 5 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct triples *t = triples_of(mem, 0, stars, 3);
	struct triples *held = triples_new(mem);

	t->list[0].item = 3;
	t->list[1].item = 1;
	evaluate_split(t, held);
	triples_add(held, &(struct triple){ .user = 1, .item = 3 });
	cr_expect_eq(evaluate_renumber(t, held, 5), 2);
	cr_expect_eq(t->list[0].item, 1);
	cr_expect_eq(t->list[1].item, 0);
	cr_expect_eq(held->list[0].item, RANK_NONE);
	cr_expect_eq(held->list[1].item, 1);
	talloc_free(mem);
}

/* The same figures, and the same matrix, as from triples. */
Test(evaluate, a_matrix_is_held_out_of_as_triples_are)
{
	enum { USERS = 40, ITEMS = 60 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct triples *t = triples_new(mem), *held = triples_new(mem);
	struct triples *other = triples_new(mem);
	bool judged[USERS];
	struct sparse *all, *kept, *wanted;
	const uint32_t *numbers;
	uint32_t items;

	for (uint32_t i = 0; i < 500; i++)
		triples_add(t, &(struct triple){ .user = i * i % USERS,
				   .item = i * 7 % 61 % ITEMS,
				   .value = (float)(1 + i % 5),
				   .time = i * 31 % 97 });
	triples_settle(t, USERS);
	all = matrix_new(mem, t, USERS, ITEMS);
	memset(judged, 1, sizeof judged);
	kept = evaluate_hold_out(mem, all, judged, 4, held, &numbers);
	evaluate_split(t, other);
	items = evaluate_renumber(t, other, ITEMS);
	wanted = matrix_new(mem, t, USERS, items);
	cr_assert_eq(kept->cols, items);
	cr_assert_eq(matrix_size(kept), matrix_size(wanted));
	cr_expect_arr_eq(
	    kept->start, wanted->start, (USERS + 1) * sizeof *kept->start);
	cr_expect_arr_eq(kept->index, wanted->index, t->n * sizeof(uint32_t));
	cr_expect_arr_eq(kept->value, wanted->value, t->n * sizeof(float));
	cr_assert_eq(held->n, other->n);
	cr_assert_gt(held->n, 0);
	for (size_t i = 0; i < held->n; i++) {
		cr_expect_eq(held->list[i].user, other->list[i].user);
		cr_expect_eq(held->list[i].item, other->list[i].item);
	}
	talloc_free(mem);
}

Test(evaluate, who_is_not_judged_keeps_everything)
{
	static const float stars[] = { 5, 5, 5 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct triples *t = triples_new(mem), *held = triples_new(mem);
	static const bool judged[] = { false, true };
	struct sparse *all, *kept;
	const uint32_t *numbers;

	for (uint32_t i = 0; i < 6; i++)
		triples_add(t, &(struct triple){ .user = i / 3,
				   .item = i,
				   .value = stars[i % 3],
				   .time = i });
	triples_settle(t, 2);
	all = matrix_new(mem, t, 2, 6);
	kept = evaluate_hold_out(mem, all, judged, 4, held, &numbers);
	cr_expect_eq(matrix_row_size(kept, 0), 3);
	cr_expect_eq(matrix_row_size(kept, 1), 2);
	cr_expect_eq(kept->cols, 5);
	cr_assert_eq(held->n, 1);
	cr_expect_eq(held->list[0].user, 1);
	cr_expect_eq(held->list[0].item, RANK_NONE);
	cr_expect_eq(matrix_size(all), 6);
	talloc_free(mem);
}

static double
gain(int rank)
{
	return 1 / log2(1 + rank);
}

/* Three users: two hits, nothing found, and one whom training never saw. */
Test(evaluate, metrics_by_hand)
{
	enum { TOP = 5 };
	static const uint32_t lists[2 * TOP] = { 4, 1, 2, 0, RANK_NONE, 0, 1,
		RANK_NONE, RANK_NONE, RANK_NONE };
	static const struct triple held[] = { { .user = 0, .item = 1 },
		{ .user = 0, .item = 0 }, { .user = 0, .item = UINT32_MAX },
		{ .user = 1, .item = 5 }, { .user = UINT32_MAX, .item = 1 } };
	static const float stars[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *train =
	    matrix_new(mem, triples_of(mem, 0, stars, 8), 2, 9);
	struct triples *t = triples_new(mem);
	struct quality q;
	double ndcg = (gain(2) + gain(4)) / (gain(1) + gain(2) + gain(3));

	for (size_t i = 0; i < array_len(held); i++)
		triples_add(t, &held[i]);
	evaluate_lists(train, t, lists, TOP, &q);
	cr_expect_eq(q.users, 3);
	cr_expect_float_eq(q.mean[RECALL_20], 2 / 3.0 / 3, 1e-12);
	cr_expect_float_eq(q.mean[NDCG_10], ndcg / 3, 1e-12);
	cr_expect_float_eq(q.mean[NDCG_100], ndcg / 3, 1e-12);
	cr_expect_float_eq(q.mean[MAP_10], (0.5 + 0.5) / 3 / 3, 1e-12);
	/* 0, 1, 2 and 4 of the eight that were rated; film 8 is none */
	cr_expect_float_eq(q.coverage, 4 / 8.0, 1e-12);
	cr_expect_float_eq(q.error[NDCG_100],
	    sqrt((ndcg * ndcg / 3 - ndcg * ndcg / 9) / 3), 1e-12);
	talloc_free(mem);
}

Test(evaluate, only_so_many_places_count)
{
	enum { TOP = 150 };
	static uint32_t lists[TOP];
	static const float stars[] = { 1 };
	static const struct triple places[] = { { .item = 20 }, { .item = 10 },
		{ .item = 100 } };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *train =
	    matrix_new(mem, triples_of(mem, 0, stars, 1), 1, TOP);
	struct quality q;

	for (uint32_t i = 0; i < TOP; i++)
		lists[i] = i;
	for (size_t i = 0; i < array_len(places); i++) {
		struct triples *t = triples_new(mem);

		triples_add(t, &places[i]);
		evaluate_lists(train, t, lists, TOP, &q);
		cr_expect_eq(q.mean[RECALL_20] > 0, i == 1);
		cr_expect_eq(q.mean[NDCG_10] > 0, false);
		cr_expect_eq(q.mean[MAP_10] > 0, false);
		cr_expect_eq(q.mean[NDCG_100] > 0, i < 2);
	}
	talloc_free(mem);
}

Test(evaluate, nothing_held_is_nothing)
{
	static const float stars[] = { 1 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *train =
	    matrix_new(mem, triples_of(mem, 0, stars, 1), 1, 1);
	struct quality q;

	evaluate_lists(train, triples_new(mem), NULL, 5, &q);
	cr_expect_eq(q.users, 0);
	cr_expect_float_eq(q.mean[NDCG_100], 0, 1e-12);
	cr_expect_float_eq(q.coverage, 0, 1e-12);
	talloc_free(mem);
}
