/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings and lists as files of comma-separated values, and who the numbers of
 * a matrix are. A header says by name which column is what (userId, movieId,
 * rating, timestamp or user, item; other columns are ignored); where the first
 * line is a rating they are those four in that order. A byte order mark is
 * passed over.
 */
#ifndef RECOMMEND_TABLE_H
#define RECOMMEND_TABLE_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"

/* Ids in rising order: id i stands for the number i. */
struct names {
	int64_t *id;
	uint32_t n;
};

/* A file's ratings: triples number what `users` and `items` name. */
struct table {
	struct triples *triples;
	struct names users;
	struct names items;
};

/* A table in the making, from ratings in any order. */
struct gather;

struct gather *table_begin(TALLOC_CTX *mem);

/* ERR_TOO_LARGE: it is the 2^32nd. */
must_check enum err table_add(
    struct gather *g, int64_t user, int64_t item, float stars, int64_t time);

/* What was added, settled, and below the same `mem`; `g` is gone. */
void table_end(TALLOC_CTX *mem, struct gather *g, struct table *out);

/* What is wrong with a file: on which line (0: with the whole), and what. */
struct fault {
	long line;
	const char *why;
};

#define NAMES_NONE UINT32_MAX

/* The number of an id, or NAMES_NONE. */
uint32_t names_find(const struct names *names, int64_t id);

/*
 * Reads a file of ratings from 0 to 5. ERR_NOT_FOUND: it cannot be opened.
 * ERR_INVALID: a line is not like that, or there is none. ERR_TOO_LARGE: more
 * than 2^32 - 1 ratings. ERR_UNAVAILABLE: *stop became non-zero, or reading
 * failed. `fault` says more.
 */
must_check enum err table_read(TALLOC_CTX *mem, const char *path,
    const volatile sig_atomic_t *stop, struct table *out, struct fault *fault);

/*
 * Writes "user,item,rank" for lists of `top` items each that end early with
 * NAMES_NONE. The file appears whole or not at all. ERR_FORBIDDEN: it cannot
 * be written, errno says why.
 */
must_check enum err table_write_lists(const char *path,
    const struct table *table, const uint32_t *lists, size_t top);

#endif
