/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sparse matrices. The ratings are never copied as a whole: they are grouped by
 * user in place (a cycle-leader counting sort), and triples are freed before
 * the transpose is made.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommend/large.h"
#include "recommend/matrix.h"

static int
triples_free(struct triples *t)
{
	free(t->list);
	return 0;
}

struct triples *
triples_new(TALLOC_CTX *mem)
{
	struct triples *t = mem_new(mem, struct triples);

	talloc_set_destructor(t, triples_free);
	return t;
}

void
triples_add(struct triples *t, const struct triple *one)
{
	if (t->n == t->room) {
		t->room = t->room ? t->room + t->room / 2 : 4096;
		t->list = large_resize(t->list, t->room, sizeof *t->list);
	}
	t->list[t->n] = *one;
	t->list[t->n].order = (uint32_t)t->n;
	t->n++;
}

/* Counts to the starts of the rows: rows + 1 values. */
static void
sum_up(size_t *start, uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++)
		start[r + 1] += start[r];
}

/* Groups by user: each triple is swapped to the next slot of its user. */
static void
group_by_user(
    struct triple *list, const size_t *start, size_t *next, uint32_t users)
{
	struct triple moved, other;

	for (uint32_t u = 0; u < users; u++) {
		while (next[u] < start[u + 1]) {
			moved = list[next[u]];
			while (moved.user != u) {
				other = list[next[moved.user]];
				list[next[moved.user]++] = moved;
				moved = other;
			}
			list[next[u]++] = moved;
		}
	}
}

static int
latest_last(const void *a, const void *b)
{
	const struct triple *x = a, *y = b;

	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int
by_time(const void *a, const void *b)
{
	const struct triple *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* Sorts one user's n ratings; returns how many remain. */
static size_t
settle_row(struct triple *row, size_t n)
{
	size_t kept = 0;

	qsort(row, n, sizeof *row, latest_last);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 == n || row[i].item != row[i + 1].item)
			row[kept++] = row[i];
	}
	qsort(row, kept, sizeof *row, by_time);
	return kept;
}

void
triples_settle(struct triples *t, uint32_t users)
{
	size_t *start = large_array(t, 2 * ((size_t)users + 1), sizeof *start);
	size_t *next = start + users + 1;
	size_t kept = 0, n;

	for (size_t i = 0; i < t->n; i++) {
		assert(t->list[i].user < users);
		start[t->list[i].user + 1]++;
	}
	sum_up(start, users);
	memcpy(next, start, users * sizeof *next);
	group_by_user(t->list, start, next, users);
	for (uint32_t u = 0; u < users; u++) {
		n = settle_row(t->list + start[u], start[u + 1] - start[u]);
		memmove(
		    t->list + kept, t->list + start[u], n * sizeof *t->list);
		kept += n;
	}
	t->n = kept;
}

struct sparse *
matrix_room(TALLOC_CTX *mem, uint32_t rows, uint32_t cols, size_t n)
{
	struct sparse *m = mem_new(mem, struct sparse);

	m->rows = rows;
	m->cols = cols;
	m->start = large_array(m, (size_t)rows + 1, sizeof *m->start);
	m->index = large_array(m, n, sizeof *m->index);
	m->value = large_array(m, n, sizeof *m->value);
	return m;
}

struct sparse *
matrix_new(
    TALLOC_CTX *mem, const struct triples *t, uint32_t users, uint32_t items)
{
	struct sparse *m = matrix_room(mem, users, items, t->n);

	for (size_t i = 0; i < t->n; i++) {
		assert(t->list[i].item < items);
		m->start[t->list[i].user + 1]++;
		m->index[i] = t->list[i].item;
		m->value[i] = t->list[i].value;
	}
	sum_up(m->start, users);
	return m;
}

struct sparse *
matrix_transpose(TALLOC_CTX *mem, const struct sparse *m)
{
	size_t n = matrix_size(m), at;
	struct sparse *t = matrix_room(mem, m->cols, m->rows, n);
	void *scratch = mem_need(talloc_new(mem));
	size_t *next = large_array(scratch, m->cols, sizeof *next);

	for (size_t i = 0; i < n; i++)
		t->start[m->index[i] + 1]++;
	sum_up(t->start, t->rows);
	memcpy(next, t->start, m->cols * sizeof *next);
	for (uint32_t r = 0; r < m->rows; r++) {
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++) {
			at = next[m->index[i]]++;
			t->index[at] = r;
			t->value[at] = m->value[i];
		}
	}
	talloc_free(scratch);
	return t;
}

uint32_t *
matrix_places(TALLOC_CTX *mem, const struct sparse *m, const struct sparse *t)
{
	uint32_t *places = large_array(mem, matrix_size(m), sizeof *places);
	void *scratch = mem_need(talloc_new(mem));
	size_t *next = large_array(scratch, m->cols, sizeof *next);

	memcpy(next, t->start, m->cols * sizeof *next);
	for (uint32_t r = 0; r < m->rows; r++) {
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++)
			places[next[m->index[i]]++] =
			    (uint32_t)(i - m->start[r]);
	}
	talloc_free(scratch);
	return places;
}

size_t
matrix_memory(size_t ratings)
{
	/* triples and the matrix; later the matrix, its transpose, positions */
	return ratings * (sizeof(struct triple) + 2 * sizeof(uint32_t));
}
