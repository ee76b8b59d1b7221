/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sparse matrices: order, duplicates, transposes, places.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "recommend/matrix.h"

static void
add(struct triples *t, uint32_t user, uint32_t item, float value, int64_t time)
{
	const struct triple one = {
		.user = user, .item = item, .value = value, .time = time
	};

	triples_add(t, &one);
}

/* As a slow dense matrix would have it: the latest value of each pair. */
static void
compare(const struct sparse *m, const float *dense)
{
	float *found = talloc_zero_array(NULL, float, m->rows * m->cols);

	for (uint32_t r = 0; r < m->rows; r++) {
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++) {
			cr_assert_lt(m->index[i], m->cols);
			cr_expect_eq(found[r * m->cols + m->index[i]], 0);
			found[r * m->cols + m->index[i]] = m->value[i];
		}
	}
	cr_expect_arr_eq(
	    found, dense, (size_t)m->rows * m->cols * sizeof *found);
	talloc_free(found);
}

Test(matrix, rows_stand_in_the_order_of_time)
{
	static const uint32_t order[] = { 3, 0, 2, 1, 2 };
	static const float values[] = { 5, 2, 3, 4, 1 };
	struct triples *t = triples_new(NULL);
	struct sparse *m;

	add(t, 1, 2, 1, 7);
	add(t, 0, 1, 4, 40);
	add(t, 0, 0, 2, 20);
	add(t, 0, 2, 3, 20); /* at one time the lower item comes first */
	add(t, 0, 3, 5, 10);
	triples_settle(t, 2);
	m = matrix_new(t, t, 2, 4);
	cr_assert_eq(matrix_size(m), 5);
	cr_expect_eq(matrix_row_size(m, 0), 4);
	cr_expect_arr_eq(m->index, order, sizeof order);
	cr_expect_arr_eq(m->value, values, sizeof values);
	talloc_free(t);
}

Test(matrix, the_latest_of_several_ratings_stays)
{
	struct triples *t = triples_new(NULL);
	struct sparse *m;

	add(t, 0, 0, 1, 30);
	add(t, 0, 0, 2, 10);
	add(t, 0, 1, 3, 20);
	add(t, 0, 1, 4, 20); /* at one time what was read last */
	triples_settle(t, 1);
	m = matrix_new(t, t, 1, 2);
	compare(m, (const float[]){ 1, 4 });
	cr_expect_eq(m->index[0], 1);
	talloc_free(t);
}

Test(matrix, rows_and_columns_may_be_empty)
{
	struct triples *t = triples_new(NULL);
	struct sparse *m, *back;

	add(t, 2, 1, 3, 0);
	triples_settle(t, 4);
	m = matrix_new(t, t, 4, 3);
	compare(m, (const float[12]){ [7] = 3 });
	back = matrix_transpose(t, m);
	cr_expect_eq(back->rows, 3);
	cr_expect_eq(back->cols, 4);
	compare(back, (const float[12]){ [6] = 3 });
	talloc_free(t);
}

Test(matrix, nothing_at_all)
{
	struct triples *t = triples_new(NULL);
	struct sparse *m;

	triples_settle(t, 0);
	m = matrix_new(t, t, 0, 0);
	cr_expect_eq(matrix_size(m), 0);
	cr_expect_eq(matrix_size(matrix_transpose(t, m)), 0);
	talloc_free(t);
}

/* Many ratings in no order, against the dense matrix. */
Test(matrix, agrees_with_a_dense_one)
{
	enum { USERS = 37, ITEMS = 23, N = 2000 };
	static float dense[USERS * ITEMS], other[ITEMS * USERS];
	static int64_t times[USERS * ITEMS];
	struct triples *t = triples_new(NULL);
	struct sparse *m, *back;
	uint32_t state = 1;

	for (int i = 0; i < N; i++) {
		uint32_t user, item;

		state = state * 1664525u + 1013904223u;
		user = (state >> 8) % USERS;
		item = (state >> 18) % ITEMS;
		add(t, user, item, (float)(i + 1), (int64_t)(state % 97));
		if (times[user * ITEMS + item] > (int64_t)(state % 97) + 1)
			continue;
		times[user * ITEMS + item] = (int64_t)(state % 97) + 1;
		dense[user * ITEMS + item] = (float)(i + 1);
		other[item * USERS + user] = (float)(i + 1);
	}
	triples_settle(t, USERS);
	m = matrix_new(t, t, USERS, ITEMS);
	compare(m, dense);
	back = matrix_transpose(t, m);
	compare(back, other);
	compare(matrix_transpose(t, back), dense);
	for (uint32_t r = 1; r < back->rows; r++) {
		for (size_t i = back->start[r] + 1; i < back->start[r + 1]; i++)
			cr_expect_lt(back->index[i - 1], back->index[i]);
	}
	talloc_free(t);
}

Test(matrix, places_lead_back_to_the_ratings)
{
	struct triples *t = triples_new(NULL);
	struct sparse *m, *back;
	uint32_t *places;

	add(t, 0, 1, 1, 1);
	add(t, 0, 0, 2, 2);
	add(t, 1, 0, 3, 1);
	add(t, 1, 2, 4, 2);
	add(t, 1, 1, 5, 3);
	triples_settle(t, 2);
	m = matrix_new(t, t, 2, 3);
	back = matrix_transpose(t, m);
	places = matrix_places(t, m, back);
	for (size_t i = 0; i < matrix_size(back); i++)
		cr_expect_eq(m->value[m->start[back->index[i]] + places[i]],
		    back->value[i]);
	talloc_free(t);
}

Test(matrix, a_rating_takes_at_most_36_bytes)
{
	cr_expect_leq(matrix_memory(1000), 36 * 1000);
}
