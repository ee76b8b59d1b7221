/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings as texts, genres by hand, and whether the order of ratings means
 * anything: for people who watch one film after the other, and for the same
 * people when times are made up.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "recommend/large.h"
#include "recommend/table.h"
#include "recommend/tune.h"

#define ITEMS 300
#define EACH  30

static uint64_t
random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return *state >> 33;
}

/* Every user watches thirty consecutive films. */
static struct table
watchers(TALLOC_CTX *mem, int users, bool made_up)
{
	struct gather *g = table_begin(mem);
	struct table t;
	uint64_t state = 1;

	for (int u = 0; u < users; u++) {
		int64_t first = (int64_t)(random_next(&state) % ITEMS);

		for (int i = 0; i < EACH; i++) {
			int64_t time =
			    made_up ? (int64_t)random_next(&state) : i;

			cr_assert_eq(table_add(g, 1000 - u,
					 7 * ((first + i) % ITEMS), 5, time),
			    ERR_OK);
		}
	}
	table_end(mem, g, &t);
	return t;
}

static double shown; /* how far it is */

static void
show(void *report_arg, double share)
{
	(void)report_arg;
	cr_expect(share >= shown && share <= 1, "%g, %g", shown, share);
	shown = share;
}

static struct tune_order
ask(const struct table *t, struct fit_options *o)
{
	const struct tune tune = { .triples = t->triples,
		.users = t->users.n,
		.items = t->items.n,
		.report_share = show };
	struct tune_order order;

	fit_defaults(o);
	o->near.keep = 20;
	o->als.threads = o->near.threads = 2;
	cr_assert_eq(tune_order(&tune, o, &order), ERR_OK);
	return order;
}

Test(tune, an_order_that_means_something_is_used)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct table t = watchers(mem, 200, false);
	struct fit_options o, standard;
	struct tune_order order = ask(&t, &o);

	fit_defaults(&standard);
	cr_expect(order.tested && !order.ignored);
	cr_expect_gt(shown, 0.6);
	cr_expect_gt(order.with, order.without);
	cr_expect_eq(o.taste.near_half, standard.taste.near_half);
	cr_expect_eq(o.als.factors, standard.als.factors);
	talloc_free(mem);
}

Test(tune, an_order_that_was_made_up_is_ignored)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct table t = watchers(mem, 200, true);
	struct fit_options o;
	struct tune_order order = ask(&t, &o);

	cr_expect(
	    order.tested && order.ignored, "%g %g", order.with, order.without);
	cr_expect_eq(o.taste.near_half, 1000);
	cr_expect_eq(o.taste.floor, 1);
	cr_expect_eq(o.near_share, 0.5);
	talloc_free(mem);
}

Test(tune, few_people_are_not_asked)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct table t = watchers(mem, TUNE_USERS_MIN - 1, true);
	struct fit_options o;
	struct tune_order order = ask(&t, &o);

	cr_expect(!order.tested && !order.ignored);
	talloc_free(mem);
}

Test(tune, a_table_names_by_rising_ids)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct gather *g = table_begin(mem);
	struct table t;

	cr_expect_eq(table_add(g, 9, -3, 4, 50), ERR_OK);
	cr_expect_eq(table_add(g, 2, 8, 1, 60), ERR_OK);
	cr_expect_eq(table_add(g, 9, -7, 5, 40), ERR_OK);
	cr_expect_eq(table_add(g, 9, -3, 2, 70), ERR_OK);
	table_end(mem, g, &t);
	cr_assert(t.users.n == 2 && t.items.n == 3 && t.triples->n == 3);
	cr_expect(t.users.id[0] == 2 && t.items.id[0] == -7);
	cr_expect_eq(t.triples->list[1].item, 0);
	cr_expect_eq(t.triples->list[2].value, 2);
	g = table_begin(mem);
	table_end(mem, g, &t);
	cr_expect(t.users.n == 0 && t.items.n == 0 && t.triples->n == 0);
	talloc_free(mem);
}

/* ---------------------------------------------------------------- settings */

Test(tune, settings_go_to_a_text_and_back)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct fit_options o, other;

	fit_defaults(&o);
	fit_defaults(&other);
	cr_expect_str_eq(fit_changed(mem, &o), "");
	cr_expect_null(fit_set_all(mem, &o,
	    "  factors=128 stars=-1,0,0.25,1,2\tnear_half=1000  threads=3 "));
	cr_expect_str_eq(fit_changed(mem, &o),
	    "factors=128 near_half=1000 stars=-1,0,0.25,1,2");
	cr_expect_null(fit_set_all(mem, &other, fit_changed(mem, &o)));
	cr_expect_str_eq(fit_changed(mem, &other), fit_changed(mem, &o));
	cr_expect_null(fit_set_all(mem, &other, ""));
	cr_expect_str_eq(fit_set_all(mem, &other, "factors=8 nonsense=1 x=2"),
	    "unknown setting \"nonsense\"");
	cr_expect_not_null(fit_set_all(mem, &other, "factors = 8"));
	talloc_free(mem);
}

Test(tune, who_sets_what_the_order_means)
{
	cr_expect(fit_sets_order("factors=8 near_share=0"));
	cr_expect(fit_sets_order("taste_floor=1"));
	cr_expect_not(fit_sets_order("factors=8 near_keep=5"));
	cr_expect_not(fit_sets_order(""));
}

/* ------------------------------------------------------------------ genres */

Test(tune, genres_are_means_of_their_items)
{
	static const struct fit_genre pairs[] = { { -4, 2 }, { 7, 0 }, { 7, 1 },
		{ 7, 2 } };
	static const uint32_t ratings[] = { 2, 5, 3 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct model *m = model_new(mem, 3, 2);

	for (size_t i = 0; i < 3; i++) {
		m->item[i * m->stride] = (float)i;
		m->item[i * m->stride + 1] = 1;
	}
	fit_genres(m, ratings, pairs, 4);
	cr_assert_eq(m->genre.n, 2);
	cr_expect_eq(model_genre(m, -4), 0);
	cr_expect_eq(model_genre(m, 7), 1);
	cr_expect_eq(model_genre(m, 8), MODEL_NONE);
	cr_expect_float_eq(m->genre.factor[0], 2, 1e-6f);
	cr_expect_float_eq(m->genre.factor[m->stride], 1, 1e-6f);
	cr_expect_float_eq(m->genre.factor[m->stride + 1], 1, 1e-6f);
	cr_expect_eq(m->genre.factor[m->stride + 2], 0);
	cr_expect_float_eq(m->genre.share[0], 0.3f, 1e-6f);
	cr_expect_float_eq(m->genre.share[1], 1, 1e-6f);
	cr_expect_eq(m->item_genres[0], 2);
	cr_expect_eq(m->item_genres[2], 3);
	fit_genres(m, NULL, pairs, 1);
	cr_expect_float_eq(m->genre.share[0], 1 / 3.0f, 1e-6f);
	fit_genres(m, NULL, NULL, 0);
	cr_expect_eq(model_genre(m, 7), MODEL_NONE);
	talloc_free(mem);
}
