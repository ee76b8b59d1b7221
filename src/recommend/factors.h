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

/* Rows of `width` floats, in rising order of their ids. */
struct factors {
	unsigned width;
	uint32_t n;
	int64_t *id;
	float *row;
};

/* How to read, and whom to tell of the bytes that are read. */
struct factors_input {
	const char *path;
	enum factors_format format;        /* GUESS: by the first byte */
	const volatile sig_atomic_t *stop; /* may be NULL */
	void (*tell)(void *teller, int64_t bytes); /* may be NULL */
	void *teller;
};

/* Where and what is wrong; texts below the call's `mem`. */
struct factors_fault {
	const char *file;
	long line; /* 0: with the whole file */
	const char *why;
};

/* How many bytes there are to be read; 0: not known. */
int64_t factors_size(const char *path);

/*
 * Reads a file or a folder. ERR_NOT_FOUND: it cannot be opened. ERR_INVALID: a
 * row is not like that, is no number, has another width or an id that was there
 * before, or there is none at all. ERR_UNAVAILABLE: *stop became non-zero, or
 * reading failed. `fault` says more.
 */
must_check enum err factors_read(TALLOC_CTX *mem,
    const struct factors_input *in, struct factors *out,
    struct factors_fault *fault);

/*
 * The model that these factors of movies are: no neighbours, no genres. What
 * `how` says otherwise (taste, weights) is taken over.
 */
struct model *factors_model(
    TALLOC_CTX *mem, const struct factors *f, const struct model *how);

/* Writes what comes before the rows, and a row; nine digits bring all back. */
void factors_put_head(FILE *to, enum factors_format format, unsigned width);
void factors_put(FILE *to, enum factors_format format, int64_t id,
    const float *row, unsigned width);

#endif
