/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Factors as files that other programs write and read. Comma-separated values:
 * "id,f1,f2,…", a header may be there or not. JSON lines: {"id": 1, "features":
 * [0.5, …]}, also a folder of part-… files, as Apache Spark makes it. All rows
 * are of one width.
 */
#ifndef RECOMMEND_FACTORS_H
#define RECOMMEND_FACTORS_H

#include "base/base.h"

#include <signal.h>

#include "recommend/model.h"

#define FACTORS_MAX 1024 /* in a row */

enum factors_format { FACTORS_GUESS, FACTORS_CSV, FACTORS_JSON };

/* Rows of `width` floats, sorted by id. */
struct factors {
	unsigned width;
	uint32_t n;
	int64_t *id;
	float *row;
};

/* How to read, and a callback for progress in bytes. */
struct factors_input {
	const char *path;
	enum factors_format format;        /* GUESS: from the first byte */
	const volatile sig_atomic_t *stop; /* may be NULL */
	void (*report)(void *report_arg, int64_t bytes); /* may be NULL */
	void *report_arg;
};

/* Location and reason of an error; texts below the call's `mem`. */
struct factors_fault {
	const char *file;
	long line; /* 0: the file as a whole */
	const char *why;
};

/* The number of bytes to read; 0: not known. */
int64_t factors_size(const char *path);

/*
 * Reads a file or a folder. ERR_NOT_FOUND: it cannot be opened. ERR_INVALID: a
 * row is malformed, has another width or a duplicate id, or there is no row.
 * ERR_UNAVAILABLE: *stop became non-zero, or reading failed. `fault` has the
 * details.
 */
enum err factors_read(TALLOC_CTX *mem, const struct factors_input *in,
    struct factors *out, struct factors_fault *fault);

/*
 * A model of these factors of movies, without neighbours and genres. Weights
 * and taste are copied from `how`.
 */
struct model *factors_model(
    TALLOC_CTX *mem, const struct factors *f, const struct model *how);

/* Writes the header, and a row; nine digits preserve every float. */
void factors_put_head(FILE *to, enum factors_format format, unsigned width);
void factors_put(FILE *to, enum factors_format format, int64_t id,
    const float *row, unsigned width);

#endif
