/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Holding out ratings, and evaluating lists.
 */
#include "base/base.h"

#include <math.h>

#include "base/mem.h"
#include "recommend/evaluate.h"
#include "recommend/large.h"
#include "recommend/rank.h"

#define RECALL 20
#define SHORT  10

static const char *const names[METRIC__MAX] = {
	[RECALL_20] = "Recall@20",
	[NDCG_10] = "NDCG@10",
	[NDCG_100] = "NDCG@100",
	[MAP_10] = "MAP@10",
};

const char *
metric_name(enum metric m)
{
	return names[m];
}

size_t
evaluate_window(size_t n)
{
	size_t window = n / 5 > 1 ? n / 5 : 1;

	return n > window ? window : 0;
}

void
evaluate_split(struct triples *triples, struct triples *held)
{
	struct triple *list = triples->list;
	size_t kept = 0, from, to, window;

	for (from = 0; from < triples->n; from = to) {
		for (to = from + 1;
		     to < triples->n && list[to].user == list[from].user;)
			to++;
		window = evaluate_window(to - from);
		for (size_t i = from; i < to; i++) {
			if (i >= to - window && list[i].value >= EVALUATE_LIKED)
				triples_add(held, &list[i]);
			else
				list[kept++] = list[i];
		}
	}
	triples->n = kept;
}

/* Items that are present (not 0) get new numbers; returns how many. */
static uint32_t
renumber(uint32_t *number, uint32_t items)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < items; i++)
		number[i] = number[i] ? n++ : RANK_NONE;
	return n;
}

struct sparse *
evaluate_hold_out(TALLOC_CTX *mem, const struct sparse *all,
    const bool *evaluated, float least, struct triples *held,
    const uint32_t **numbers)
{
	struct sparse *m =
	    matrix_room(mem, all->rows, all->cols, matrix_size(all));
	uint32_t *number = large_array(m, all->cols, sizeof *number);
	size_t n = 0, window;

	for (uint32_t r = 0; r < all->rows; r++) {
		window =
		    evaluated[r] ? evaluate_window(matrix_row_size(all, r)) : 0;
		for (size_t i = all->start[r]; i < all->start[r + 1]; i++) {
			if (i >= all->start[r + 1] - window &&
			    all->value[i] >= least) {
				triples_add(held, &(struct triple){ .user = r,
						      .item = all->index[i],
						      .value = all->value[i] });
				continue;
			}
			number[all->index[i]] = 1;
			m->index[n] = all->index[i];
			m->value[n++] = all->value[i];
		}
		m->start[r + 1] = n;
	}
	m->cols = renumber(number, all->cols);
	for (size_t i = 0; i < n; i++)
		m->index[i] = number[m->index[i]];
	for (size_t i = 0; i < held->n; i++)
		held->list[i].item = number[held->list[i].item];
	*numbers = number;
	return m;
}

uint32_t
evaluate_renumber(struct triples *triples, struct triples *held, uint32_t items)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	uint32_t *number = large_array(mem, items, sizeof *number), n;

	for (size_t i = 0; i < triples->n; i++)
		number[triples->list[i].item] = 1;
	n = renumber(number, items);
	for (size_t i = 0; i < triples->n; i++)
		triples->list[i].item = number[triples->list[i].item];
	for (size_t i = 0; i < held->n; i++)
		held->list[i].item = number[held->list[i].item];
	talloc_free(mem);
	return n;
}

/* ---------------------------------------------------------------- one user */

static bool
is_held(const struct triple *held, size_t n, uint32_t item)
{
	for (size_t i = 0; i < n; i++) {
		if (held[i].item == item)
			return true;
	}
	return false;
}

static double
gain(size_t place)
{
	return 1 / log2((double)place + 2);
}

static double
ideal(size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += gain(i);
	return sum;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* There are no hits after the end of a list. */
static void
evaluate_list(const struct triple *held, size_t n, const uint32_t *list,
    size_t top, double *out)
{
	size_t hits = 0;

	memset(out, 0, METRIC__MAX * sizeof *out);
	for (size_t i = 0; i < least(top, EVALUATE_TOP); i++) {
		if (list[i] == RANK_NONE)
			break;
		if (!is_held(held, n, list[i]))
			continue;
		hits++;
		out[NDCG_100] += gain(i);
		if (i < RECALL)
			out[RECALL_20]++;
		if (i < SHORT) {
			out[NDCG_10] += gain(i);
			out[MAP_10] += (double)hits / (double)(i + 1);
		}
	}
	out[RECALL_20] /= (double)least(RECALL, n);
	out[NDCG_10] /= ideal(least(SHORT, n));
	out[NDCG_100] /= ideal(least(EVALUATE_TOP, n));
	out[MAP_10] /= (double)least(SHORT, n);
}

/* --------------------------------------------------------------- all users */

static void
cover(const uint32_t *list, size_t top, bool *covered)
{
	for (size_t i = 0; i < least(top, RECALL) && list[i] != RANK_NONE; i++)
		covered[list[i]] = true;
}

/* The share of the rated items that are in any user's top 20. */
static double
share_covered(TALLOC_CTX *mem, const struct sparse *train, const bool *covered)
{
	bool *rated = large_array(mem, train->cols, sizeof *rated);
	size_t n = 0, of = 0;

	for (size_t i = 0; i < matrix_size(train); i++)
		rated[train->index[i]] = true;
	for (uint32_t i = 0; i < train->cols; i++) {
		of += rated[i];
		n += covered[i];
	}
	return of ? (double)n / (double)of : 0;
}

static void
finish(struct quality *q, const double *squares)
{
	double n = q->users ? (double)q->users : 1, mean, variance;

	for (int m = 0; m < METRIC__MAX; m++) {
		mean = q->mean[m] / n;
		variance = squares[m] / n - mean * mean;
		q->mean[m] = mean;
		q->error[m] = variance > 0 ? sqrt(variance / n) : 0;
	}
}

void
evaluate_lists(const struct sparse *train, const struct triples *held,
    const uint32_t *lists, size_t top, struct quality *out)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	bool *covered = large_array(mem, train->cols, sizeof *covered);
	const struct triple *list = held->list;
	double one[METRIC__MAX], squares[METRIC__MAX] = { 0 };
	uint32_t user;
	size_t to;

	*out = (struct quality){ 0 };
	for (size_t from = 0; from < held->n; from = to) {
		user = list[from].user;
		for (to = from; to < held->n && list[to].user == user;)
			to++;
		out->users++;
		if (user >= train->rows)
			continue;
		evaluate_list(
		    list + from, to - from, lists + user * top, top, one);
		cover(lists + user * top, top, covered);
		for (int m = 0; m < METRIC__MAX; m++) {
			out->mean[m] += one[m];
			squares[m] += one[m] * one[m];
		}
	}
	out->coverage = share_covered(mem, train, covered);
	finish(out, squares);
	talloc_free(mem);
}
