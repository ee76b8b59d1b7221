/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast training and serving are, on generated ratings: a whole iteration
 * (both sides) beside the same rank-k updates and factorisations called alone
 * in as many threads, and one recommendation. One line of JSON a figure.
 *
 *     recommend [USERS ITEMS RATINGS [FACTORS]]
 */
#include "base/base.h"

#include <gsl/gsl_blas.h>
#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "recommend/als.h"
#include "recommend/fit.h"
#include "recommend/large.h"
#include "recommend/parallel.h"
#include "recommend/score.h"

#define ROUNDS 5

void openblas_set_num_threads(int n);
void spotrf_(
    const char *uplo, const int *n, float *a, const int *lda, int *info);

struct bench {
	struct sparse *by_user;
	struct sparse *by_item;
	struct fit_options o;
	float *user;
	float *item;
	float *spare[PARALLEL_MAX];
	const struct sparse *side; /* of the bare calls */
	struct parallel share;
};

static uint64_t state = 42;

static double
uniform(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* Users log-normal, items after Zipf with a flattened head. */
static struct sparse *
generate(TALLOC_CTX *mem, uint32_t users, uint32_t items, size_t n)
{
	double *sum = large_array(mem, items, sizeof *sum);
	struct triples *t = triples_new(mem);
	struct sparse *m;

	for (uint32_t i = 0; i < items; i++)
		sum[i] = (i ? sum[i - 1] : 0) + pow(i + 0.02 * items, -1.6);
	for (uint32_t u = 0; u < users; u++) {
		double share = exp(sqrt(-2 * log(uniform())) *
				   cos(6.283185307179586 * uniform())) /
			       exp(0.5);
		size_t of = (size_t)(share * (double)n * 1.42 / users) + 1;

		for (size_t i = 0; i < of; i++) {
			double at = uniform() * sum[items - 1];
			uint32_t low = 0, high = items - 1;

			while (low < high) {
				uint32_t mid = (low + high) / 2;

				if (sum[mid] < at)
					low = mid + 1;
				else
					high = mid;
			}
			triples_add(t, &(struct triple){ .user = u,
					   .item = low,
					   .value = 1,
					   .time = (int64_t)i });
		}
	}
	triples_settle(t, users);
	m = matrix_new(mem, t, users, items);
	talloc_free(t);
	return m;
}

static void
figure(const char *name, double value, const char *unit)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", name,
	    value, unit);
	fflush(stdout);
}

/* For each row of a side a rank-k update of its length, and a Cholesky. */
static void
bare_work(void *shared, unsigned thread)
{
	struct bench *b = shared;
	size_t k = b->o.als.factors, from, to, number, n;
	float *a = b->spare[thread], *block = a + k * k;
	int order = (int)k, info;

	while (parallel_next(&b->share, &from, &to, &number)) {
		for (size_t r = from; r < to; r++) {
			memset(a, 0, k * k * sizeof *a);
			for (size_t i = 0; i < k; i++)
				a[i * k + i] = 1;
			n = matrix_row_size(b->side, (uint32_t)r);
			for (size_t at = 0; at < n; at += 256) {
				size_t rows = n - at < 256 ? n - at : 256;
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
		parallel_run(b->o.als.threads, bare_work, b);
	}
	return (double)(clock_steady_us() - began) / 1e6;
}

static double
time_iteration(struct bench *b)
{
	int64_t began = clock_steady_us();
	double loss;

	if (als_half(b->by_user, b->item, b->user, &b->o.als, &loss) ||
	    als_half(b->by_item, b->user, b->item, &b->o.als, &loss))
		abort();
	return (double)(clock_steady_us() - began) / 1e6;
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Interleaved, so that a busy machine slows both. */
static void
bench_training(struct bench *b)
{
	double full[ROUNDS], bare[ROUNDS], ratio[ROUNDS];

	(void)time_iteration(b);
	(void)time_bare(b);
	for (int i = 0; i < ROUNDS; i++) {
		full[i] = time_iteration(b);
		bare[i] = time_bare(b);
		ratio[i] = full[i] / bare[i];
	}
	qsort(full, ROUNDS, sizeof *full, by_size);
	qsort(bare, ROUNDS, sizeof *bare, by_size);
	qsort(ratio, ROUNDS, sizeof *ratio, by_size);
	figure("training, one iteration", full[ROUNDS / 2], "s");
	figure("training, the same bare calls", bare[ROUNDS / 2], "s");
	figure("training, iteration / bare calls", ratio[ROUNDS / 2], "ratio");
}

static double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 200 ratings, `items` movies with neighbours: fold, score, choose 100. */
static void
bench_serving(TALLOC_CTX *mem, uint32_t items, unsigned factors)
{
	enum { RATED = 200, KEEP = 300, TIMES = 100 };
	struct model *m = model_new(mem, items, factors);
	struct fold *f = fold_new(mem, m);
	float *scores = large_array(mem, items, sizeof *scores);
	float preference[RATED];
	uint32_t rated[RATED], top[100];
	const struct history h = { RATED, rated, preference };
	char name[80];
	double began;

	m->regularization = 0.01f;
	m->unobserved = 0.1f;
	m->near_scale = 0.1f;
	m->taste = (struct taste){ .floor = 0.3f, .half = 10, .near_half = 5 };
	m->near.index = large_array(mem, (size_t)items * KEEP, 4);
	m->near.weight = large_array(mem, (size_t)items * KEEP, 4);
	for (size_t i = 0; i < (size_t)items * KEEP; i++) {
		m->near.index[i] = (uint32_t)(uniform() * items);
		m->near.weight[i] = (float)uniform();
	}
	for (uint32_t i = 0; i < items; i++) {
		m->near.start[i + 1] = (size_t)(i + 1) * KEEP;
		for (unsigned c = 0; c < factors; c++)
			m->item[i * m->stride + c] = (float)uniform() - 0.5f;
	}
	model_prepare(m);
	for (int j = 0; j < RATED; j++) {
		rated[j] = (uint32_t)(uniform() * items);
		preference[j] = (float)uniform();
	}
	began = cpu_seconds();
	for (int i = 0; i < TIMES; i++) {
		score_all(f, &h, scores);
		(void)score_top(scores, items, array_len(top), top);
	}
	snprintf(name, sizeof name, "serving, %u movies, %u factors",
	    (unsigned)items, factors);
	figure(name, 1e3 * (cpu_seconds() - began) / TIMES, "ms of CPU");
}

static size_t
number(char **argv, int argc, int i, size_t otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	TALLOC_CTX *mem = talloc_named_const(NULL, 0, "bench");
	struct bench b = { 0 };
	uint32_t users = (uint32_t)number(argv, argc, 1, 6040);
	uint32_t items = (uint32_t)number(argv, argc, 2, 3700);
	size_t k;

	mem_init();
	fit_defaults(&b.o);
	b.o.als.factors = (unsigned)number(argv, argc, 4, 64);
	k = b.o.als.factors;
	openblas_set_num_threads(1);
	b.by_user = generate(mem, users, items, number(argv, argc, 3, 1000000));
	b.by_item = matrix_transpose(mem, b.by_user);
	figure("training, ratings", (double)matrix_size(b.by_user), "1");
	b.user = large_array(mem, users * k, sizeof *b.user);
	b.item = large_array(mem, items * k, sizeof *b.item);
	for (size_t i = 0; i < items * k; i++)
		b.item[i] = 0.02f * (float)(uniform() - 0.5);
	for (unsigned t = 0; t < b.o.als.threads; t++)
		b.spare[t] = large_array(mem, k * k + 256 * k, 4);
	bench_training(&b);
	bench_serving(mem, 10000, b.o.als.factors);
	bench_serving(mem, 100000, b.o.als.factors);
	talloc_free(mem);
	return 0;
}
