/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is measured.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "made.h"
#include "recommend/fit.h"
#include "recommend/large.h"
#include "recommend/model_file.h"
#include "recommend/predict.h"

#define STARTS 1000000000
#define GAP    60 /* seconds between two ratings */

double
made_uniform(void)
{
	static uint64_t state = 42;
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* The place of `at` among rising sums. */
static uint32_t
place_of(const double *sum, uint32_t n, double at)
{
	uint32_t low = 0, high = n - 1, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (sum[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Calls each() for every rating, user by user, no pair twice. */
static void
draw(const struct shape *s, void (*each)(void *arg, const struct triple *),
    void *arg)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	double *sum = large_array(mem, s->items, sizeof *sum), share;
	uint32_t *last = large_array(mem, s->items, sizeof *last);
	struct triple t = { 0 };
	size_t n;

	for (uint32_t i = 0; i < s->items; i++)
		sum[i] = (i ? sum[i - 1] : 0) + pow(i + 0.02 * s->items, -1.6);
	for (t.user = 0; t.user < s->users; t.user++) {
		share = exp(sqrt(-2 * log(made_uniform())) *
			    cos(6.283185307179586 * made_uniform())) /
			exp(0.5);
		n = (size_t)(share * s->spare * (double)s->ratings / s->users) +
		    1;
		t.time = STARTS;
		for (size_t i = 0; i < n; i++) {
			t.item = place_of(
			    sum, s->items, made_uniform() * sum[s->items - 1]);
			if (last[t.item] == t.user + 1)
				continue;
			last[t.item] = t.user + 1;
			t.value = (float)(int)(1 + 5 * made_uniform());
			t.time += GAP;
			each(arg, &t);
		}
	}
	talloc_free(mem);
}

static void
add(void *arg, const struct triple *one)
{
	triples_add(arg, one);
}

struct sparse *
made_ratings(TALLOC_CTX *mem, const struct shape *shape)
{
	struct triples *t = triples_new(mem);
	struct sparse *m;

	draw(shape, add, t);
	triples_settle(t, shape->users);
	m = matrix_new(mem, t, shape->users, shape->items);
	talloc_free(t);
	return m;
}

static void
print(void *arg, const struct triple *one)
{
	fprintf(arg, "%" PRIu32 ",%" PRIu32 ",%d,%" PRId64 "\n", one->user + 1,
	    one->item + 1, (int)one->value, one->time);
}

bool
made_table(const char *path, const struct shape *shape)
{
	FILE *out = fopen(path, "we");
	bool good;

	if (!out)
		return false;
	fprintf(out, "user,item,rating,timestamp\n");
	draw(shape, print, out);
	good = !ferror(out);
	return fclose(out) == 0 && good;
}

/* ------------------------------------------------------------------ models */

/* A random one of each of MADE_NEAR equal ranges, so that they rise. */
static void
make_near(struct model *m)
{
	size_t n = (size_t)m->items * MADE_NEAR;
	uint32_t width = m->items / MADE_NEAR;

	m->near.n = n;
	m->near.index = large_array(m, n, sizeof *m->near.index);
	m->near.weight = large_array(m, n, sizeof *m->near.weight);
	for (size_t i = 0; i < n; i++) {
		m->near.index[i] = (uint32_t)(i % MADE_NEAR) * width +
				   (uint32_t)(made_uniform() * width);
		m->near.weight[i] = (float)made_uniform();
	}
	for (size_t i = 0; i < m->items; i++)
		m->near.start[i + 1] = (i + 1) * MADE_NEAR;
}

static void
make_genres(struct model *m)
{
	struct fit_genre *pairs = mem_array(m, struct fit_genre, m->items);

	for (uint32_t i = 0; i < m->items; i++)
		pairs[i] =
		    (struct fit_genre){ .genre = 1 + (int64_t)i * 20 / m->items,
			    .item = i };
	fit_genres(m, NULL, pairs, m->items);
	talloc_free(pairs);
}

/* Ratings of all items, and every term of a prediction with a weight. */
static void
make_prediction(struct model *m)
{
	m->offset = large_array(m, m->items, sizeof *m->offset);
	m->ratings = large_array(m, m->items, sizeof *m->ratings);
	predict_defaults(&m->predict);
	m->predict.mean = 3.5f;
	for (int u = 0; u < PREDICT_BINS; u++)
		m->predict.weight[u][TERM_FACTORS] =
		    m->predict.weight[u][TERM_NEAR] = 0.5f;
	for (uint32_t i = 0; i < m->items; i++) {
		m->offset[i] = (float)made_uniform() - 0.5f;
		m->ratings[i] = 100;
	}
}

struct model *
made_model(TALLOC_CTX *mem, uint32_t items, unsigned factors)
{
	struct model *m = model_new(mem, items, factors);
	struct fit_options o;

	fit_defaults(&o);
	m->regularization = o.als.regularization;
	m->unobserved = o.als.unobserved;
	m->near_scale = 0.1f;
	m->taste = o.taste;
	m->id = large_array(m, items, sizeof *m->id);
	for (uint32_t i = 0; i < items; i++) {
		m->id[i] = (int64_t)i + 1;
		for (unsigned c = 0; c < factors; c++)
			m->item[i * m->stride + c] =
			    (float)made_uniform() - 0.5f;
	}
	make_near(m);
	make_genres(m);
	make_prediction(m);
	model_prepare(m);
	return m;
}

static enum err
put(void *arg, const void *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n ? ERR_OK : ERR_UNAVAILABLE;
}

bool
made_model_file(const char *path, uint32_t items)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct stamp stamp = { .version = 1000, .trained_at = STARTS };
	FILE *out = fopen(path, "we");
	enum err e = ERR_UNAVAILABLE;

	if (out)
		e = model_file_write(
		    made_model(mem, items, 64), &stamp, put, out);
	talloc_free(mem);
	return out && fclose(out) == 0 && !e;
}
