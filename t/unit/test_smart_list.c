/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Smart lists: at most forty movies, best first, of the given genres, with the
 * given celebrities and friends, without padding.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/mem.h"
#include "db_world.h"
#include "recommendations/smart_list.h"

enum { MOVIES = 120, FACTORS = 1 };

static struct model *model;

/*
 * Movies 1 to 120, odd ones of genre odd, even ones of genre even, and every
 * third of genre third; person 1 directs 1 to 9, person 2 plays in 2 and 4;
 * account 1 owns, 2 and 3 are friends of 1, 4 is not.
 */
static void
fill_database(void)
{
	sql("INSERT INTO account (id, username, email, verified)"
	    " SELECT i, 'u' || i, 'u' || i || '@example.org', true"
	    "   FROM generate_series(1, 4) AS i;"
	    "INSERT INTO friendship (user1_id, user2_id) VALUES (1, 2), (1, 3);"
	    "INSERT INTO movie (id, slug, title, release_date, modelled)"
	    " SELECT i, 'm' || i, 'M' || i, date '2000-01-01' + i, true"
	    "   FROM generate_series(1, 120) AS i;"
	    "INSERT INTO genre (id, name, slug) VALUES (1, 'Odd', 'odd'),"
	    " (2, 'Even', 'even'), (3, 'Third', 'third');"
	    "INSERT INTO movie_genre SELECT id, 2 - id % 2 FROM movie;"
	    "INSERT INTO movie_genre SELECT id, 3 FROM movie WHERE id % 3 = 0;"
	    "INSERT INTO person (id, name, slug) VALUES (1, 'One', 'one'),"
	    " (2, 'Two', 'two');"
	    "INSERT INTO movie_director"
	    " SELECT id, 1 FROM movie WHERE id < 10;"
	    "INSERT INTO movie_actor VALUES (2, 2, 1), (4, 2, 1);"
	    "INSERT INTO rating (user_id, movie_id, rating) VALUES (1, 100, 5),"
	    " (1, 99, 1), (2, 50, 5), (3, 50, 4), (3, 52, 5), (4, 54, 5),"
	    " (2, 56, 3);");
}

/* Film 100, rated 5, is more similar to a film the closer its number. */
static void
make_model(void)
{
	int64_t *ids = mem_array(mem, int64_t, MOVIES);

	model = model_new(mem, MOVIES, FACTORS);
	model->regularization = 0.01f;
	model->unobserved = 0.01f;
	model->taste = (struct taste){ .stars = { 0, 0, 0, 0.5f, 1 },
		.floor = 1,
		.half = 10,
		.near_half = 10 };
	for (int i = 0; i < MOVIES; i++) {
		ids[i] = i + 1;
		model->item[(size_t)i * model->stride] =
		    1 - fabsf((float)(i + 1 - 100)) * 0.005f;
	}
	model->id = ids;
	model_prepare(model);
}

static void
set_up(void)
{
	world_open();
	fill_database();
	make_model();
}

TestSuite(smart_list, .init = set_up, .fini = world_close);

#define NAMES(...)                                                   \
	((struct name_filter){ (const char *const[]){ __VA_ARGS__ }, \
	    array_len(((const char *const[]){ __VA_ARGS__ })) })

static struct ids
choose_for(const struct model *m, const struct smart_list *list)
{
	struct ids out;

	cr_assert_eq(smart_list_choose(mem, db, m, list, &out), ERR_OK, "%s",
	    db_error(db));
	return out;
}

static size_t
place_of(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->id[i] == id)
			return i;
	}
	return SIZE_MAX;
}

Test(smart_list, forty_best_first)
{
	const struct smart_list list = {
		.owner = 1, .bonus = 0.05, .director = 1
	};
	struct ids got = choose_for(model, &list);

	cr_assert_eq(got.n, SMART_LIST_SIZE);
	cr_expect(got.id[0] == 99 + 2 || got.id[0] == 98);
	cr_expect_eq(place_of(&got, 100), SIZE_MAX, "the user has rated it");
	cr_expect_eq(place_of(&got, 99), SIZE_MAX);
	for (size_t i = 1; i < got.n; i++) {
		cr_expect_leq(llabs(got.id[i - 1] - 100),
		    llabs(got.id[i] - 100), "%zu", i);
		cr_expect_neq(got.id[i], got.id[i - 1]);
	}
}

Test(smart_list, is_limited_to_any_of_the_genres)
{
	struct smart_list list = { .owner = 1,
		.genres = NAMES("even"),
		.bonus = 0.05,
		.director = 1 };
	struct ids got = choose_for(model, &list);

	cr_assert_eq(got.n, SMART_LIST_SIZE);
	for (size_t i = 0; i < got.n; i++)
		cr_expect_eq(got.id[i] % 2, 0);
	list.genres = NAMES("third");
	got = choose_for(model, &list);
	cr_expect_eq(got.n, MOVIES / 3 - 1, "all but 99; no padding");
	list.genres = NAMES("third", "even", "no-such-genre");
	got = choose_for(model, &list);
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	for (size_t i = 0; i < got.n; i++)
		cr_expect(got.id[i] % 2 == 0 || got.id[i] % 3 == 0);
	list.genres = NAMES("no-such-genre");
	cr_expect_eq(choose_for(model, &list).n, 0);
	cr_expect_eq(choose_for(NULL, &list).n, 0);
}

/* Two that the user likes less: they come first. */
Test(smart_list, friends_and_celebrities_count_when_they_are_named)
{
	struct smart_list list = { .owner = 1, .bonus = 0.2, .director = 1 };
	struct ids plain = choose_for(model, &list), named;

	list.friends = NAMES("u2", "u3", "u4");
	named = choose_for(model, &list);
	cr_expect_eq(place_of(&plain, 50), SIZE_MAX);
	cr_expect_neq(place_of(&named, 50), SIZE_MAX, "two friends");
	cr_expect_neq(place_of(&named, 52), SIZE_MAX, "one is as good");
	cr_expect_eq(place_of(&named, 54), SIZE_MAX, "u4 is no friend");
	cr_expect_eq(place_of(&named, 56), SIZE_MAX, "three stars only");
	cr_expect_lt(place_of(&named, 50), 2);
	cr_expect_lt(place_of(&named, 52), 2);
	list.friends = NAMES("u2");
	named = choose_for(model, &list);
	cr_expect_neq(place_of(&named, 50), SIZE_MAX);
	cr_expect_eq(place_of(&named, 52), SIZE_MAX, "u3 was not named");
	list.friends = (struct name_filter){ 0 };
	list.celebrities = NAMES("two");
	list.bonus = 0.4;
	named = choose_for(model, &list);
	cr_expect_neq(place_of(&named, 2), SIZE_MAX);
	cr_expect_neq(place_of(&named, 4), SIZE_MAX);
	cr_expect_eq(place_of(&named, 6), SIZE_MAX);
}

/* Movies of persons that are named come first, however many they are. */
Test(smart_list, of_a_director_who_is_named_all)
{
	struct smart_list list = { .owner = 1,
		.celebrities = NAMES("one"),
		.bonus = 1,
		.director = 0.1 };
	struct ids got = choose_for(model, &list);
	size_t of_director = 0;

	while (of_director < got.n && got.id[of_director] < 10)
		of_director++;
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	cr_expect_eq(of_director, 9);
}

/* All of the hundred best are of one director, and there are enough others. */
Test(smart_list, a_director_of_all_the_best_has_no_more)
{
	const struct smart_list list = {
		.owner = 1, .bonus = 0.05, .director = 0.1
	};
	struct ids got;
	size_t of_director = 0;

	sql("INSERT INTO movie_director"
	    " SELECT id, 2 FROM movie WHERE id > 45");
	got = choose_for(model, &list);
	for (size_t i = 0; i < got.n; i++)
		of_director += got.id[i] > 45;
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	cr_expect_eq(of_director, SMART_LIST_SIZE / 10);
	sql("DELETE FROM movie WHERE id < 30");
	got = choose_for(model, &list);
	cr_expect_eq(
	    got.n, SMART_LIST_SIZE, "above the limit rather than none");
}

/* However far behind the genre's films are among all. */
Test(smart_list, of_a_rare_genre_for_who_has_rated_nothing)
{
	const struct smart_list list = { .owner = 5,
		.genres = NAMES("third"),
		.bonus = 0.05,
		.director = 1 };
	struct ids got;

	sql("INSERT INTO account (id, username, email)"
	    " VALUES (5, 'u5', 'u5@example.org');"
	    "INSERT INTO movie (id, slug, title, release_date, rating_sum,"
	    "                   rating_count, stars_5)"
	    " SELECT 200 + i, 'x' || i, 'X', date '2001-01-01', 500, 100, 100"
	    "   FROM generate_series(1, 700) AS i");
	got = choose_for(model, &list);
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	got = choose_for(NULL, &list);
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	for (size_t i = 0; i < got.n; i++)
		cr_expect_eq(got.id[i] % 3, 0);
}

Test(smart_list, works_without_a_model_and_without_ratings)
{
	struct smart_list list = { .owner = 1, .bonus = 0.05, .director = 1 };
	struct ids got = choose_for(NULL, &list);

	cr_assert_eq(got.n, SMART_LIST_SIZE);
	for (size_t i = 0; i < got.n; i++)
		cr_expect(got.id[i] % 2 == 0, "the favourite is of genre even");
	sql("DELETE FROM rating WHERE user_id = 1");
	got = choose_for(model, &list);
	cr_expect_eq(got.n, SMART_LIST_SIZE);
	cr_expect_eq(got.id[0], 50, "the best rated");
}

Test(smart_list, leaves_out_what_is_gone_or_not_out)
{
	const struct smart_list list = {
		.owner = 1, .bonus = 0.05, .director = 1
	};
	struct ids got;

	sql("UPDATE movie SET deleted_at = now() WHERE id = 101;"
	    "UPDATE movie SET release_date = current_date + 2 WHERE id = 98;"
	    "INSERT INTO unseen VALUES (1, 102);"
	    "DELETE FROM movie WHERE id = 97");
	got = choose_for(model, &list);
	cr_assert_eq(got.n, SMART_LIST_SIZE);
	cr_expect_eq(place_of(&got, 101), SIZE_MAX);
	cr_expect_eq(place_of(&got, 98), SIZE_MAX);
	cr_expect_eq(place_of(&got, 102), SIZE_MAX);
	cr_expect_eq(place_of(&got, 97), SIZE_MAX);
	cr_expect(got.id[0] == 103 || got.id[0] == 96);
}

/* More than the sixty that go to SQL at first are filtered away. */
Test(smart_list, finds_what_is_far_behind)
{
	struct smart_list list = { .owner = 1,
		.genres = NAMES("rare"),
		.bonus = 0.05,
		.director = 1 };
	struct ids got;

	sql("INSERT INTO genre (id, name, slug) VALUES (9, 'Rare', 'rare');"
	    "INSERT INTO movie_genre VALUES (1, 9), (3, 9)");
	got = choose_for(model, &list);
	cr_assert_eq(got.n, 2);
	cr_expect_eq(got.id[0], 3);
	cr_expect_eq(got.id[1], 1);
}
