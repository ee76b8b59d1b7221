/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings as a sparse matrix of users by movies, each row in the order in which
 * its user rated, and its transpose. Users and movies are numbered from 0;
 * their ids are in table.h.
 */
#ifndef RECOMMEND_MATRIX_H
#define RECOMMEND_MATRIX_H

#include "base/base.h"

/* One rating as read. */
struct triple {
	uint32_t user;
	uint32_t item;
	float value;
	uint32_t
	    order; /* position in the input, for ratings of the same time */
	int64_t time;
};

struct triples {
	struct triple *list;
	size_t n;
	size_t room;
};

/* An empty list below `mem`. */
struct triples *triples_new(TALLOC_CTX *mem);

/* Appends; `order` is set here. */
void triples_add(struct triples *t, const struct triple *one);

/*
 * Sorts by user and then by (time, item); of several ratings of an item by a
 * user only the latest remains. In place; users are below `users`.
 */
void triples_settle(struct triples *t, uint32_t users);

/* Row r is index[start[r]] .. index[start[r + 1] - 1], with values. */
struct sparse {
	uint32_t rows;
	uint32_t cols;
	size_t *start;
	uint32_t *index;
	float *value;
};

/* A matrix with room for n entries, to be filled by the caller. */
struct sparse *matrix_room(
    TALLOC_CTX *mem, uint32_t rows, uint32_t cols, size_t n);

/* Users by items from settled triples, which may be freed afterwards. */
struct sparse *matrix_new(
    TALLOC_CTX *mem, const struct triples *t, uint32_t users, uint32_t items);

/* The transpose; its rows list the users in ascending order. */
struct sparse *matrix_transpose(TALLOC_CTX *mem, const struct sparse *m);

/*
 * For each entry of the transpose `t`: the position of the rating in its user's
 * row.
 */
uint32_t *matrix_places(
    TALLOC_CTX *mem, const struct sparse *m, const struct sparse *t);

static inline size_t
matrix_row_size(const struct sparse *m, uint32_t row)
{
	return m->start[row + 1] - m->start[row];
}

static inline size_t
matrix_size(const struct sparse *m)
{
	return m->start[m->rows];
}

/*
 * The peak memory of ratings in bytes, from reading to the transpose, without
 * memory per row or column: 32 a rating.
 */
size_t matrix_memory(size_t ratings);

#endif
