/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranking for one person: what is left out, bonuses that shift the order and no
 * more, films the model does not know, and parts that add up.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "recommend/fold.h"
#include "recommend/model_file.h"
#include "recommendations/ranking.h"

/* Movies 10, 20, 30 …: the first half is of one kind, the rest of another. */
enum { ITEMS = 200, HALF = ITEMS / 2, FACTORS = 4 };

static TALLOC_CTX *mem;
static struct model *model;
static int64_t ids[ITEMS], genres[] = { 1, 2 };
static float shares[] = { 0.5f, 0.6f };
static uint64_t item_genres[ITEMS];

static void
set_up(void)
{
	mem = talloc_new(NULL);
	model = model_new(mem, ITEMS, FACTORS);
	model->regularization = 0.01f;
	model->unobserved = 0.1f;
	model->taste = (struct taste){ .stars = { -1, -0.5f, 0, 0.5f, 1 },
		.floor = 1,
		.half = 10,
		.near_half = 10,
		.common = 0.1f,
		.first_fade = 5 };
	model->mean[0] = model->mean[1] = 0.3f;
	for (uint32_t i = 0; i < ITEMS; i++) {
		float *y = model->item + i * model->stride;

		ids[i] = 10 * ((int64_t)i + 1);
		y[i < HALF ? 0 : 1] = 1;
		y[2] = 0.2f * sinf((float)i);
		y[3] = 0.2f * cosf(3 * (float)i);
	}
	model->id = ids;
	model->genre = (struct genres){ 2, genres,
		model_floats(model, 2 * model->stride), shares };
	model->item_genres = item_genres;
	model->taste.genre = 0.4f;
	for (int i = 0; i < ITEMS; i++)
		item_genres[i] = (i < HALF ? 1 : 2) | (i % 7 == 0 ? 3 : 0);
	model->genre.factor[0] = 1;
	model->genre.factor[model->stride + 1] = 1;
	model_prepare(model);
}

static void
tear_down(void)
{
	talloc_free(mem);
}

TestSuite(ranking, .init = set_up, .fini = tear_down);

#define IDS(...)                                         \
	((struct ids){ (const int64_t[]){ __VA_ARGS__ }, \
	    array_len(((const int64_t[]){ __VA_ARGS__ })) })
#define STARS(...) ((const int64_t[]){ __VA_ARGS__ })

static int64_t best[ITEMS + 10];
static double scores[ITEMS + 10];

static bool
is_among(int64_t movie, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (best[i] == movie)
			return true;
	}
	return false;
}

Test(ranking, kind_follows_the_rating_both_ways)
{
	struct caller c = { .rated = IDS(10), .stars = STARS(5) };
	struct ranking *r = ranking_new(mem, model, &c);

	cr_assert_eq(ranking_top(r, 20, best, scores), 20);
	for (int i = 0; i < 20; i++)
		cr_expect_leq(best[i], 10 * HALF);
	c.stars = STARS(1);
	r = ranking_new(mem, model, &c);
	cr_assert_eq(ranking_top(r, 20, best, scores), 20);
	for (int i = 0; i < 20; i++)
		cr_expect_gt(best[i], 10 * HALF);
}

Test(ranking, leaves_out_what_she_knows)
{
	struct caller c = { .rated = IDS(10, 20, 99999),
		.stars = STARS(5, 4, 5),
		.unseen = IDS(30, 88888) };
	struct ranking *r = ranking_new(mem, model, &c);
	size_t n = ranking_top(r, ITEMS + 5, best, scores);

	cr_expect_eq(n, ITEMS - 3);
	cr_expect_eq(ranking_size(r), ITEMS - 3);
	cr_expect_not(is_among(10, n));
	cr_expect_not(is_among(20, n));
	cr_expect_not(is_among(30, n));
	for (size_t i = 1; i < n; i++)
		cr_expect_leq(scores[i], scores[i - 1]);
}

Test(ranking, is_none_for_whom_the_model_cannot_read)
{
	struct caller nothing = { 0 };
	struct caller strange = { .rated = IDS(5, 99999),
		.stars = STARS(5, 5) };

	cr_expect_null(ranking_new(mem, model, &nothing));
	cr_expect_null(ranking_new(mem, model, &strange));
}

Test(ranking, who_rated_everything_gets_nothing)
{
	struct caller c = { .rated = { ids, ITEMS } };
	int64_t stars[ITEMS];

	for (int i = 0; i < ITEMS; i++)
		stars[i] = 3;
	c.stars = stars;
	cr_expect_eq(
	    ranking_top(ranking_new(mem, model, &c), 20, best, scores), 0);
}

/* Those that a bonus could bring among the best, and no other. */
Test(ranking, near_are_those_within_a_margin)
{
	struct caller c = { .rated = IDS(10), .stars = STARS(5) };
	struct ranking *r = ranking_new(mem, model, &c);
	size_t all = ranking_top(r, ITEMS, best, scores), n;
	double margin = 1.0001 * (scores[19] - scores[29]);

	n = ranking_near(r, 20, margin);
	cr_expect_geq(n, 30);
	cr_expect_geq(scores[n - 1], scores[19] - 1.001 * margin);
	cr_expect_lt(scores[n], scores[19] - 0.999 * margin);
	cr_expect_geq(ranking_near(r, 20, 0), 20);
	cr_expect_eq(ranking_near(r, 20, 1e6), all);
	cr_expect_eq(ranking_near(r, ITEMS + 5, 0), all);
}

/* All bonuses at once are less than a third of the best hundred's distance. */
Test(ranking, bonuses_shift_and_do_not_replace)
{
	struct caller c = { .rated = IDS(10), .stars = STARS(5) };
	struct ranking *plain = ranking_new(mem, model, &c), *r;
	size_t n = ranking_top(plain, ITEMS, best, scores);
	int64_t first = best[0], last = best[n - 1], second = best[1];
	double point;

	c.liked = IDS(last, second, 77777);
	c.starring = IDS(last, second);
	r = ranking_new(mem, model, &c);
	point = ranking_bonuses(r, 0.05, 0);
	cr_expect_float_eq(point, 0.05 * (scores[0] - scores[99]), 1e-6);
	(void)ranking_top(r, ITEMS, best, scores);
	cr_expect_eq(best[0], second, "it was near and has both bonuses");
	cr_expect_eq(best[1], first);
	cr_expect_not(is_among(last, 20), "of the genre the user dislikes");
	cr_expect_float_eq(
	    ranking_taste(r, last), ranking_taste(plain, last), 1e-6);
	r = ranking_new(mem, model, &c);
	cr_expect_eq(ranking_bonuses(r, 0, 0), 0);
	(void)ranking_top(r, ITEMS, best, scores);
	cr_expect_eq(best[0], first);
}

/* 7: people of films 10 and 20, genre 1; 9: genre 2; 11: nothing known. */
static const int64_t three[] = { 10, 1500, 30 }, their_stars[] = { 5, 1, 4 };
static const int64_t related_film[] = { 7, 7, 11 };
static const int64_t related_other[] = { 10, 20, 99999 };
static const int64_t genre_film[] = { 7, 9, 11 };
static const int64_t genre_other[] = { 1, 2, 55 };

static struct caller
with_cold_start(void)
{
	return (struct caller){ .rated = { three, 3 },
		.stars = their_stars,
		.related = { related_film, related_other, 3 },
		.genre = { genre_film, genre_other, 3 } };
}

Test(ranking, cold_start_by_people_and_genres)
{
	struct caller c = with_cold_start();
	struct ranking *r = ranking_new(mem, model, &c);
	float related = (ranking_taste(r, 10) + ranking_taste(r, 20)) / 2;
	struct caller only = c;
	float genre;
	size_t n;

	only.related.n = 0;
	genre = ranking_taste(ranking_new(mem, model, &only), 7);
	/* two films of the same people, and a genre that weighs as two */
	cr_expect_float_eq(ranking_taste(r, 7), (related + genre) / 2, 1e-5);
	cr_expect_gt(ranking_taste(r, 7), ranking_taste(r, 9));
	n = ranking_top(r, ITEMS + 5, best, scores);
	cr_expect_eq(n, ITEMS - 3 + 2);
	cr_expect(is_among(7, n));
	cr_expect(is_among(9, n));
	cr_expect_not(is_among(11, n), "nothing is known of it");
	c.unseen = IDS(7);
	r = ranking_new(mem, model, &c);
	n = ranking_top(r, ITEMS + 5, best, scores);
	cr_expect_not(is_among(7, n));
}

Test(ranking, parts_add_up_for_cold_start_movies_too)
{
	struct caller c = with_cold_start();
	struct ranking *r = ranking_new(mem, model, &c);
	const int64_t movies[] = { 10, 20, 500, 1990, 7, 9 };
	float parts[3], common;

	for (size_t i = 0; i < array_len(movies); i++) {
		cr_expect(ranking_parts(r, movies[i], parts, &common));
		cr_expect_float_eq(parts[0] + parts[1] + parts[2] + common,
		    ranking_taste(r, movies[i]), 1e-5, "movie %ld",
		    (long)movies[i]);
	}
	cr_expect_not(ranking_parts(r, 11, parts, &common));
	cr_expect_eq(parts[0], 0);
}

/* -------------------------------------------------------------------- files */

static enum err
put(void *arg, const void *p, size_t n)
{
	return write(*(int *)arg, p, n) == (ssize_t)n ? ERR_OK :
							ERR_UNAVAILABLE;
}

/* The model as workers have it: mapped. *fd: its file, which has no name. */
static const struct model *
model_mapped(int *fd)
{
	char path[] = "/tmp/mxm-ranking-XXXXXX";
	struct stamp stamp = { .version = 1 };
	const struct model *mapped;
	const char *why;

	*fd = mkstemp(path);
	cr_assert_geq(*fd, 0);
	cr_assert_eq(model_file_write(model, &stamp, put, fd), ERR_OK);
	cr_assert_eq(model_file_map(mem, path, &mapped, &stamp, &why), ERR_OK,
	    "%s", why);
	(void)unlink(path);
	return mapped;
}

/* Of the factors half is left, of the header and the ids all. */
Test(ranking, is_none_when_the_file_is_cut_off)
{
	struct caller c = { .rated = IDS(10, 20), .stars = STARS(5, 4) };
	int fd;
	const struct model *mapped = model_mapped(&fd);

	cr_expect_not_null(ranking_new(mem, mapped, &c));
	cr_expect_not(model_is_truncated(mapped));
	cr_assert_eq(ftruncate(fd, 8192), 0);
	cr_expect_null(ranking_new(mem, mapped, &c));
	cr_expect(model_is_truncated(mapped));
	cr_expect_null(ranking_new(mem, mapped, &c));
	cr_expect_not_null(ranking_new(mem, model, &c));
	close(fd);
}

Test(ranking, is_lost_when_the_file_is_cut_off_afterwards)
{
	struct caller c = with_cold_start();
	float parts[3] = { 1, 1, 1 }, common = 1;
	int64_t film[] = { 7, 10, 1990 };

	for (size_t i = 0; i < array_len(film); i++) {
		int fd;
		const struct model *mapped = model_mapped(&fd);
		struct ranking *r = ranking_new(mem, mapped, &c);

		cr_assert_not_null(r);
		cr_expect_gt(ranking_top(r, 20, best, scores), 0);
		cr_assert_eq(ftruncate(fd, i == 0 ? 0 : 8192), 0);
		cr_expect_not(ranking_parts(r, film[i], parts, &common));
		cr_expect_eq(parts[0] + parts[1] + parts[2] + common, 0);
		cr_expect(ranking_is_truncated(r));
		cr_expect_eq(ranking_top(r, 20, best, scores), 0);
		cr_expect_eq(ranking_bonuses(r, 0.05, 0), 0);
		cr_expect_eq(ranking_taste(r, film[i]), 0);
		close(fd);
	}
}

/* The score without shift plus `by` times spread times standard deviations. */
Test(ranking, popularity_shifts_by_standard_deviations)
{
	static uint32_t ratings[ITEMS];
	struct caller c = { .rated = IDS(10), .stars = STARS(5) };
	struct ranking *plain = ranking_new(mem, model, &c), *r;
	double sum = 0, square = 0, mean, deviation, spread, bonus;
	double was[ITEMS];

	for (int i = 0; i < ITEMS; i++) {
		ratings[i] = (uint32_t)(i * 37 % 101);
		sum += log(1 + ratings[i]);
		square += log(1 + ratings[i]) * log(1 + ratings[i]);
	}
	model->ratings = ratings;
	mean = sum / ITEMS;
	deviation = sqrt(square / ITEMS - mean * mean);
	for (size_t i = ranking_top(plain, ITEMS, best, scores); i-- > 0;)
		was[best[i] / 10 - 1] = scores[i];
	spread = scores[0] - scores[99];
	for (int by = -1; by <= 1; by++) {
		r = ranking_new(mem, model, &c);
		bonus = ranking_bonuses(r, 0.05, by);
		cr_expect_float_eq(bonus, 0.05 * spread, 1e-6);
		for (size_t i = ranking_top(r, ITEMS, best, scores); i-- > 0;) {
			int64_t k = best[i] / 10 - 1;

			cr_expect_float_eq(scores[i],
			    was[k] + by * spread *
					 (log(1 + ratings[k]) - mean) /
					 deviation,
			    1e-4);
		}
	}
	/* all alike: nothing to shift by */
	memset(ratings, 0, sizeof ratings);
	r = ranking_new(mem, model, &c);
	(void)ranking_bonuses(r, 0.05, 1);
	(void)ranking_top(r, 1, best, scores);
	cr_expect_float_eq(scores[0], was[best[0] / 10 - 1], 1e-6);
}
