/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast training and serving are, on generated ratings: a whole iteration
 * (both sides) beside the same rank-k updates and factorisations called alone
 * in as many threads, and one recommendation. One line of JSON a figure.
 *
 *     recommend                 1 million ratings; 10 000 and 100 000 movies
 *     recommend --large         20 million
 *     recommend --group         only movies for a group, 50 000 movies
 *     recommend --table FILE    writes ratings, 20 million
 *     recommend --model FILE    writes a model of 100 000 movies
 */
#include "base/base.h"

#include <gsl/gsl_blas.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/mem.h"
#include "made.h"
#include "recommend/als.h"
#include "recommend/fit.h"
#include "recommend/large.h"
#include "recommend/parallel.h"
#include "recommend/score.h"
#include "recommendations/prediction.h"
#include "recommendations/ranking.h"

#define ROUNDS 5
#define BLOCK  256 /* rows of a rank-k update */

static const struct shape small = { 6040, 3700, 1000000, 1.5 };
static const struct shape large = { 138000, 27000, 20000000, 1.085 };

void openblas_set_num_threads(int n);
void spotrf_(
    const char *uplo, const int *n, float *a, const int *lda, int *info);

static void __attribute__((format(printf, 3, 4)))
figure(double value, const char *unit, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	printf("{\"name\":\"");
	vprintf(name, args);
	printf("\",\"value\":%.6g,\"unit\":\"%s\"}\n", value, unit);
	fflush(stdout);
	va_end(args);
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_size);
	return values[n / 2];
}

/* ---------------------------------------------------------------- training */

struct bench {
	struct sparse *by_user;
	struct sparse *by_item;
	struct als_options o;
	float *user;
	float *item;
	float *spare[PARALLEL_MAX];
	const struct sparse *side; /* of the bare calls */
	struct parallel share;
};

/* For each row of a side a rank-k update of its length, and a Cholesky. */
static void
bare_work(void *shared, unsigned thread)
{
	struct bench *b = shared;
	size_t k = b->o.factors, from, to, number, n;
	float *a = b->spare[thread], *block = a + k * k;
	int order = (int)k, info;

	while (parallel_next(&b->share, &from, &to, &number)) {
		for (size_t r = from; r < to; r++) {
			memset(a, 0, k * k * sizeof *a);
			for (size_t i = 0; i < k; i++)
				a[i * k + i] = 1;
			n = matrix_row_size(b->side, (uint32_t)r);
			for (size_t at = 0; at < n; at += BLOCK) {
				size_t rows = n - at < BLOCK ? n - at : BLOCK;
				gsl_matrix_float_view va =
				    gsl_matrix_float_view_array(a, k, k);
				gsl_matrix_float_view vb =
				    gsl_matrix_float_view_array(block, rows, k);

				(void)gsl_blas_ssyrk(CblasLower, CblasTrans, 1,
				    &vb.matrix, 1, &va.matrix);
			}
			spotrf_("U", &order, a, &order, &info);
		}
	}
}

static double
time_bare(struct bench *b)
{
	int64_t began = clock_steady_us();

	for (int side = 0; side < 2; side++) {
		b->side = side ? b->by_item : b->by_user;
		b->share =
		    (struct parallel){ .total = b->side->rows, .batch = 32 };
		parallel_run(b->o.threads, bare_work, b);
	}
	return (double)(clock_steady_us() - began) / 1e6;
}

static double
time_iteration(struct bench *b)
{
	int64_t began = clock_steady_us();
	double loss;

	if (als_half(b->by_user, b->item, b->user, &b->o, &loss) ||
	    als_half(b->by_item, b->user, b->item, &b->o, &loss))
		abort();
	return (double)(clock_steady_us() - began) / 1e6;
}

/* Interleaved, so that a busy machine slows both. */
static void
run_training(struct bench *b, const char *name)
{
	double full[ROUNDS], bare[ROUNDS], ratio[ROUNDS];

	(void)time_iteration(b);
	(void)time_bare(b);
	for (int i = 0; i < ROUNDS; i++) {
		full[i] = time_iteration(b);
		bare[i] = time_bare(b);
		ratio[i] = full[i] / bare[i];
	}
	figure(median(full, ROUNDS), "s", "%s, iteration", name);
	figure(full[0], "s", "%s, quickest iteration", name);
	figure(median(bare, ROUNDS), "s", "%s, bare calls", name);
	figure(bare[0], "s", "%s, quickest bare calls", name);
	figure(
	    median(ratio, ROUNDS), "ratio", "%s, iteration / bare calls", name);
}

/* The factors of one side as training begins with them, more or less. */
static void
bench_training(const struct bench *ratings, const char *shape, unsigned factors)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct bench b = *ratings;
	size_t k = factors, users = b.by_user->rows, items = b.by_item->rows;
	struct fit_options o;

	fit_defaults(&o);
	b.o = o.als;
	b.o.factors = factors;
	b.user = large_array(mem, users * k, sizeof *b.user);
	b.item = large_array(mem, items * k, sizeof *b.item);
	for (size_t i = 0; i < items * k; i++)
		b.item[i] = 0.02f * (float)(made_uniform() - 0.5);
	for (unsigned t = 0; t < b.o.threads; t++)
		b.spare[t] =
		    large_array(mem, k * k + BLOCK * k, sizeof *b.spare[t]);
	run_training(&b, mem_printf(mem, "training, %s, %u", shape, factors));
	talloc_free(mem);
}

static void
bench_shape(const char *name, const struct shape *shape, bool wide)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct bench b = { .by_user = made_ratings(mem, shape) };

	b.by_item = matrix_transpose(mem, b.by_user);
	figure(
	    (double)matrix_size(b.by_user), "1", "training, %s, ratings", name);
	bench_training(&b, name, 64);
	if (wide)
		bench_training(&b, name, 128);
	talloc_free(mem);
}

/* ----------------------------------------------------------------- serving */

enum { RATED = 200, CANDIDATES = 60, SHOWN = 20, TIMES = 20 };

static double
cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* What a request does between its two statements, and after them. */
static void
recommend(const struct model *m, const struct caller *caller, double *choice,
    double *reasons)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	int64_t movies[CANDIDATES];
	double scores[CANDIDATES], began = cpu_ms();
	struct ranking *r = ranking_new(mem, m, caller);
	float parts[RATED];
	size_t n;

	(void)ranking_bonuses(r, 0.05);
	n = ranking_size(r) < CANDIDATES ? 0 : CANDIDATES;
	n = ranking_top(r, n, movies, scores);
	assert(n == CANDIDATES);
	*choice += cpu_ms() - began;
	began = cpu_ms();
	for (size_t i = 0; i < SHOWN; i++) {
		if (!ranking_parts(r, movies[i], parts, NULL))
			abort();
	}
	*reasons += cpu_ms() - began;
	talloc_free(mem);
}

/* 200 ratings: fold in, score, choose sixty; then why twenty of them. */
static void
bench_serving(uint32_t items)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	const struct model *m = made_model(mem, items, 64);
	int64_t rated[RATED], stars[RATED];
	const struct caller caller = { .rated = { rated, RATED },
		.stars = stars };
	double choice[ROUNDS] = { 0 }, reasons[ROUNDS] = { 0 }, all[ROUNDS];
	const char *name;

	for (int j = 0; j < RATED; j++) {
		rated[j] = 1 + (int64_t)(made_uniform() * items);
		stars[j] = 1 + (int64_t)(5 * made_uniform());
	}
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < TIMES; j++)
			recommend(m, &caller, &choice[i], &reasons[i]);
		choice[i] /= TIMES;
		reasons[i] /= TIMES;
		all[i] = choice[i] + reasons[i];
	}
	name = mem_printf(mem, "serving, %" PRIu32 " movies", items);
	figure(median(all, ROUNDS), "ms of CPU", "%s", name);
	figure(median(choice, ROUNDS), "ms of CPU", "%s, choice", name);
	figure(median(reasons, ROUNDS), "ms of CPU", "%s, reasons", name);
	talloc_free(mem);
}

enum { MEMBERS = 5, GROUP_BEST = 500 };

/* The arithmetic of one request for a group. */
static double
predict_group(const struct model *m, const struct rater *raters)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct predictor *p[MEMBERS];
	uint32_t best[GROUP_BEST];
	double began = cpu_ms();
	float *least = large_array(mem, m->items, sizeof *least), sum = 0;

	for (int u = 0; u < MEMBERS; u++)
		p[u] = rater_predictor(mem, m, &raters[u]);
	predict_least(p, MEMBERS, least);
	if (score_top(least, m->items, GROUP_BEST, best) != GROUP_BEST)
		abort();
	for (int i = 0; i < SHOWN * MEMBERS; i++)
		sum += predictor_stars(p[i % MEMBERS], best[i / MEMBERS],
		    m->offset[best[i / MEMBERS]]);
	assert(sum > 0);
	talloc_free(mem);
	return cpu_ms() - began;
}

/* Five users with 200 ratings each. */
static void
bench_group(uint32_t items)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	const struct model *m = made_model(mem, items, 64);
	int64_t rated[MEMBERS][RATED], stars[MEMBERS][RATED];
	struct rater raters[MEMBERS];
	double all[TIMES];

	for (int u = 0; u < MEMBERS; u++) {
		raters[u] = (struct rater){ rated[u], stars[u], RATED, 0 };
		for (int j = 0; j < RATED; j++) {
			rated[u][j] = 1 + (int64_t)(made_uniform() * items);
			stars[u][j] = 1 + (int64_t)(5 * made_uniform());
		}
	}
	for (int i = 0; i < TIMES; i++)
		all[i] = predict_group(m, raters);
	figure(median(all, TIMES), "ms of CPU",
	    "movies for a group of %d, %" PRIu32 " movies", MEMBERS, items);
	talloc_free(mem);
}

static int
wrote(bool good, const char *path)
{
	if (!good)
		perror(path);
	return good ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	mem_init();
	openblas_set_num_threads(1);
	if (argc == 3 && strcmp(what, "--table") == 0)
		return wrote(made_table(argv[2], &large), argv[2]);
	if (argc == 3 && strcmp(what, "--model") == 0)
		return wrote(made_model_file(argv[2], 100000), argv[2]);
	if (argc == 2 && strcmp(what, "--large") == 0) {
		bench_shape("20M", &large, false);
		return 0;
	}
	if (argc == 2 && strcmp(what, "--group") == 0) {
		bench_group(50000);
		return 0;
	}
	if (argc > 1) {
		fprintf(stderr, "recommend: see the head of recommend.c\n");
		return 64;
	}
	bench_shape("1M", &small, true);
	bench_serving(10000);
	bench_serving(100000);
	bench_group(50000);
	return 0;
}
