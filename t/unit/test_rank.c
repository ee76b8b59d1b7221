/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From ratings to lists: neighbours by hand, settings, the lists of all users,
 * and data in which hardly anything is there.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "recommend/fit.h"
#include "recommend/rank.h"

struct given {
	uint32_t user;
	uint32_t item;
	float stars;
};

static struct sparse *
ratings(TALLOC_CTX *mem, const struct given *g, size_t n, uint32_t users,
    uint32_t items)
{
	struct triples *t = triples_new(mem);

	for (size_t i = 0; i < n; i++)
		triples_add(t, &(struct triple){ .user = g[i].user,
				   .item = g[i].item,
				   .value = g[i].stars,
				   .time = (int64_t)i });
	triples_settle(t, users);
	return matrix_new(mem, t, users, items);
}

static uint32_t *
lists_of(TALLOC_CTX *mem, struct sparse *m, size_t top, unsigned threads)
{
	struct rank_options r = { .top = top, .threads = threads };
	struct fit_options o;
	struct model *model;
	uint32_t *lists;

	fit_defaults(&o);
	o.als.factors = 4;
	o.als.threads = o.near.threads = threads;
	cr_assert_eq(fit_model(mem, m, &o, &model, NULL), ERR_OK);
	cr_assert_eq(rank_all(mem, model, m, &r, &lists), ERR_OK);
	return lists;
}

/* Who is not asked for gets no list, and the others the same one. */
Test(rank, only_some)
{
	static const struct given g[] = { { 0, 0, 5 }, { 0, 1, 5 }, { 1, 1, 5 },
		{ 1, 2, 5 }, { 2, 0, 5 } };
	static const bool only[] = { false, true, true };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *m = ratings(mem, g, array_len(g), 3, 3);
	struct rank_options r = { .top = 2, .threads = 2 };
	uint32_t *all, *some;

	cr_assert_eq(rank_popular(mem, m, &r, &all), ERR_OK);
	r.only = only;
	cr_assert_eq(rank_popular(mem, m, &r, &some), ERR_OK);
	cr_expect_arr_eq(some + 2, all + 2, 4 * sizeof *all);
	cr_expect(all[0] == 2 && some[0] == 0);
	talloc_free(mem);
}

/* Two groups of films, 0-4 and 5-9; all users but the last rated only one. */
static struct sparse *
camps(TALLOC_CTX *mem)
{
	struct given g[200];
	size_t n = 0;

	for (uint32_t u = 0; u < 20; u++) {
		for (uint32_t i = 0; i < 5; i++) {
			if (i != u % 5)
				g[n++] = (struct given){ u,
					i + (u < 10 ? 0 : 5), 5 };
		}
	}
	g[n++] = (struct given){ 20, 6, 5 };
	g[n++] = (struct given){ 20, 7, 5 };
	return ratings(mem, g, n, 21, 11);
}

Test(rank, people_get_films_of_their_kind)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint32_t *lists = lists_of(mem, camps(mem), 3, 2);

	for (uint32_t u = 0; u < 10; u++)
		cr_expect_eq(lists[u * 3], u % 5);
	for (uint32_t u = 10; u < 20; u++)
		cr_expect_eq(lists[u * 3], 5 + u % 5);
	for (int i = 0; i < 3; i++)
		cr_expect_geq(lists[20 * 3 + i], 5);
	talloc_free(mem);
}

Test(rank, nothing_rated_before_and_nothing_that_nobody_rated)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *m = camps(mem);
	uint32_t *lists = lists_of(mem, m, 11, 1);

	for (uint32_t u = 0; u < m->rows; u++) {
		size_t n = 0;

		while (n < 11 && lists[u * 11 + n] != RANK_NONE) {
			cr_expect_neq(lists[u * 11 + n], 10);
			for (size_t i = m->start[u]; i < m->start[u + 1]; i++)
				cr_expect_neq(lists[u * 11 + n], m->index[i]);
			n++;
		}
		cr_expect_eq(n, 10 - matrix_row_size(m, u));
	}
	talloc_free(mem);
}

Test(rank, the_same_with_any_number_of_threads)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint32_t *one = lists_of(mem, camps(mem), 5, 1);
	uint32_t *many = lists_of(mem, camps(mem), 5, 5);

	cr_expect_arr_eq(one, many, 21 * 5 * sizeof *one);
	talloc_free(mem);
}

Test(rank, the_most_popular_first)
{
	static const struct given g[] = { { 0, 2, 1 }, { 1, 2, 1 }, { 1, 0, 5 },
		{ 2, 2, 3 }, { 2, 1, 5 }, { 3, 1, 2 } };
	static const uint32_t last[] = { 2, 0, RANK_NONE };
	const struct rank_options o = { .top = 3, .threads = 2 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *m = ratings(mem, g, array_len(g), 4, 3);
	uint32_t *lists;

	cr_assert_eq(rank_popular(mem, m, &o, &lists), ERR_OK);
	cr_expect_arr_eq(lists + 3 * 3, last, sizeof last);
	talloc_free(mem);
}

Test(rank, one_user_one_film)
{
	static const struct given g[] = { { 0, 0, 5 } };
	TALLOC_CTX *mem = talloc_new(NULL);
	uint32_t *lists = lists_of(mem, ratings(mem, g, 1, 1, 1), 20, 1);

	cr_expect_eq(lists[0], RANK_NONE);
	talloc_free(mem);
}

Test(rank, only_the_lowest_ratings)
{
	static const struct given g[] = { { 0, 0, 1 }, { 0, 1, 1 }, { 1, 1, 1 },
		{ 1, 2, 1 } };
	TALLOC_CTX *mem = talloc_new(NULL);
	uint32_t *lists = lists_of(mem, ratings(mem, g, 4, 2, 3), 2, 1);

	cr_expect_eq(lists[0], 2);
	cr_expect_eq(lists[2], 0);
	talloc_free(mem);
}

Test(rank, stops_when_told)
{
	volatile sig_atomic_t stop = 0;
	struct rank_options r = { .top = 3, .threads = 1, .stop = &stop };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *m = camps(mem);
	struct fit_options o;
	struct model *model;
	uint32_t *lists;

	fit_defaults(&o);
	o.als.stop = o.near.stop = &stop;
	cr_assert_eq(fit_model(mem, m, &o, &model, NULL), ERR_OK);
	stop = 1;
	cr_expect_eq(rank_all(mem, model, m, &r, &lists), ERR_UNAVAILABLE);
	cr_expect_eq(fit_model(mem, m, &o, &model, NULL), ERR_UNAVAILABLE);
	talloc_free(mem);
}

/* User 0 rated films 0, 1 and 2 in turn; user 1 film 2 and then 0. */
Test(rank, neighbours_by_hand)
{
	static const struct given g[] = { { 0, 0, 5 }, { 0, 1, 5 }, { 0, 2, 5 },
		{ 1, 2, 5 }, { 1, 0, 5 } };
	const struct near_options o = {
		.keep = 1, .reach = 2, .fade = 2, .damping = 2, .threads = 1
	};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sparse *m = ratings(mem, g, array_len(g), 2, 4);
	struct near near;

	cr_assert_eq(
	    near_fit(mem, m, matrix_transpose(mem, m), &o, &near), ERR_OK);
	/* two apart with user 0, one apart with user 1: film 2 is nearest */
	cr_expect_eq(near.start[1], 1);
	cr_expect_eq(near.index[0], 2);
	cr_expect_float_eq(near.weight[0], (expf(-1) + expf(-0.5f)) / 4, 1e-6f);
	/* 0 and 2 are equally near to 1 */
	cr_expect_eq(near.index[1], 0);
	cr_expect_float_eq(near.weight[1], expf(-0.5f) / sqrtf(3 * 4), 1e-6f);
	/* film 3 has no rating */
	cr_expect_eq(near.start[4], near.start[3]);
	talloc_free(mem);
}

struct told {
	size_t times;
	size_t done;
	size_t items;
};

static void
listen(void *report_arg, size_t done, size_t items)
{
	struct told *told = report_arg;

	if (told->times++ == 0)
		cr_expect_eq(done, 0);
	cr_expect(done >= told->done && done <= items);
	told->done = done;
	told->items = items;
}

Test(rank, how_many_items_have_their_neighbours_is_told)
{
	struct told told = { 0 };
	struct near_options o = { .keep = 2,
		.reach = 2,
		.fade = 2,
		.damping = 2,
		.threads = 1,
		.report = listen,
		.report_arg = &told };
	TALLOC_CTX *mem = talloc_new(NULL);
	static const struct given g[] = { { 0, 0, 5 }, { 0, 90, 5 } };
	struct sparse *m = ratings(mem, g, array_len(g), 1, 100);
	struct sparse *by_item = matrix_transpose(mem, m);
	struct near near;

	cr_assert_eq(near_fit(mem, m, by_item, &o, &near), ERR_OK);
	cr_expect(told.times > 2 && told.done == 100 && told.items == 100);
	told = (struct told){ 0 };
	o.keep = 0;
	cr_assert_eq(near_fit(mem, m, by_item, &o, &near), ERR_OK);
	cr_expect_eq(told.times, 0);
	talloc_free(mem);
}

Test(rank, settings_are_read_and_bounded)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct fit_options o;

	fit_defaults(&o);
	cr_expect_null(fit_set(mem, &o, "factors=96"));
	cr_expect_eq(o.als.factors, 96);
	cr_expect_null(fit_set(mem, &o, "stars=-1,0,0.5,1,2"));
	cr_expect_float_eq(o.taste.stars[0], -1, 1e-6f);
	cr_expect_float_eq(o.taste.stars[4], 2, 1e-6f);
	cr_expect_null(fit_set(mem, &o, "threads=3"));
	cr_expect_eq(o.near.threads, 3);
	cr_expect_not_null(fit_set(mem, &o, "factors"));
	cr_expect_not_null(fit_set(mem, &o, "factors="));
	cr_expect_not_null(fit_set(mem, &o, "factors=0"));
	cr_expect_not_null(fit_set(mem, &o, "factors=1.5"));
	cr_expect_not_null(fit_set(mem, &o, "factors=1000000"));
	cr_expect_not_null(fit_set(mem, &o, "stars=1,2"));
	cr_expect_not_null(fit_set(mem, &o, "stars=1,2,3,4,5,6"));
	cr_expect_not_null(fit_set(mem, &o, "unobserved=nan"));
	cr_expect_not_null(fit_set(mem, &o, "unobserved=x"));
	cr_expect_not_null(fit_set(mem, &o, "fact=1"));
	cr_expect_eq(o.als.factors, 96);
	talloc_free(mem);
}

/* 20 million ratings of the largest MovieLens set within 2 GiB. */
Test(rank, memory_is_stated)
{
	struct fit_options o;

	fit_defaults(&o);
	o.als.threads = o.near.threads = 2;
	cr_expect_lt(fit_memory(20000000, 138000, 27000, &o), (size_t)1 << 31);
	cr_expect_gt(fit_memory_there(), (size_t)1 << 20);
}
