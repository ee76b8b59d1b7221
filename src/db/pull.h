/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies tables of another database into temporary tables of the same names and
 * columns, as they are in one snapshot; nothing is written there.
 */
#ifndef DB_PULL_H
#define DB_PULL_H

#include "base/base.h"

#include "db/db.h"

struct pull;

/* A column there that is not copied, or is converted. Without a time zone it is
 * read as UTC. */
struct pull_note {
	const char *table;
	const char *column;
	bool is_naive; /* a time without a time zone */
};

/*
 * Begins a read-only transaction of `source` and compares its tables in schema
 * public with the temporary tables of `target`, which is in a transaction. A
 * column with a default may be missing, and a table all of whose columns have
 * one. ERR_INVALID: something is missing or of another type; ERR_UNAVAILABLE.
 * After an error of this and the following functions *why is the message.
 */
enum err pull_begin(TALLOC_CTX *mem, struct db *source, struct db *target,
    struct pull **out, const char **why);

/* The tables, in the order in which the temporary ones were created. */
int pull_tables(const struct pull *p);
const char *pull_table(const struct pull *p, int i);

/* The server's estimate of the rows of all tables. */
int64_t pull_estimate(const struct pull *p);

/* The notes of all tables. */
const struct pull_note *pull_notes(const struct pull *p, int *n);

/* Is called now and then with the number of rows so far. */
typedef void pull_progress(void *arg, int64_t rows);

/* Copies a table; *rows is the number of its rows. */
enum err pull_copy(struct pull *p, int i, pull_progress *fn, void *arg,
    int64_t *rows, const char **why);

/* Ends the transaction, closes the connection of `source` and frees. */
void pull_end(struct pull *p);

#endif
