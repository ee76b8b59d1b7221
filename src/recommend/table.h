/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings and lists as files of comma-separated values, and the ids of the rows
 * and columns of a matrix. A header names the columns (userId, movieId, rating,
 * timestamp, or user and item; others are ignored); without a header they are
 * these four in this order. A byte order mark is skipped.
 */
#ifndef RECOMMEND_TABLE_H
#define RECOMMEND_TABLE_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"

/* Sorted ids: number i has the id id[i]. */
struct id_list {
	int64_t *id;
	uint32_t n;
};

/* Ratings: the triples have numbers, `users` and `items` their ids. */
struct table {
	struct triples *triples;
	struct id_list users;
	struct id_list items;
};

/* Collects ratings in any order for a table. */
struct gather;

struct gather *table_begin(TALLOC_CTX *mem);

/* ERR_TOO_LARGE: there are 2^32 - 1 already. */
enum err table_add(
    struct gather *g, int64_t user, int64_t item, float stars, int64_t time);

/* The table, sorted, below the same `mem`; frees `g`. */
void table_end(TALLOC_CTX *mem, struct gather *g, struct table *out);

/* An error in a file: the line (0: the file as a whole) and the reason. */
struct fault {
	long line;
	const char *why;
};

#define ID_NONE UINT32_MAX

/* The number of an id, or ID_NONE. */
uint32_t id_list_find(const struct id_list *names, int64_t id);

/*
 * Reads a file of ratings from 0 to 5. ERR_NOT_FOUND: it cannot be opened.
 * ERR_INVALID: a line is malformed, or there is no rating. ERR_TOO_LARGE: more
 * than 2^32 - 1 ratings. ERR_UNAVAILABLE: *stop became non-zero, or reading
 * failed. `fault` has the details.
 */
enum err table_read(TALLOC_CTX *mem, const char *path,
    const volatile sig_atomic_t *stop, struct table *out, struct fault *fault);

/*
 * Writes "user,item,rank" for lists of `top` items, padded with ID_NONE. The
 * file is written atomically. ERR_FORBIDDEN: it cannot be written, see errno.
 */
enum err table_write_lists(const char *path, const struct table *table,
    const uint32_t *lists, size_t top);

#endif
