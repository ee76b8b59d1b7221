/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model as a file, written once and mapped read-only by all workers: a
 * header, then the arrays as in memory. Only machines of the same byte order
 * can read it; others refuse it.
 */
#ifndef RECOMMEND_MODEL_FILE_H
#define RECOMMEND_MODEL_FILE_H

#include "base/base.h"

#include "recommend/model.h"

#define MODEL_CHECKSUM 32

/* The identity of a model. */
struct stamp {
	uint64_t version;                       /* 1 and up */
	int64_t trained_at;                     /* seconds since 1970 */
	uint64_t size;                          /* of the file */
	unsigned char checksum[MODEL_CHECKSUM]; /* of all that follows it */
};

#define MODEL_CHECKSUM_TEXT (2 * MODEL_CHECKSUM + 1)

/* The checksum in hexadecimal digits. */
void model_file_checksum_text(
    const struct stamp *s, char out[MODEL_CHECKSUM_TEXT]);

/*
 * Passes the contents of the file to put(), in order. `stamp` has version and
 * time; size and checksum are set before the first call. The model has ids.
 * ERR_INVALID: it contains NaN or infinity, unsorted ids or neighbours that do
 * not exist; put() was not called. Otherwise the first error of put().
 */
enum err model_file_write(const struct model *m, struct stamp *stamp,
    enum err (*put)(void *arg, const void *p, size_t n), void *arg);

/*
 * Maps a file and validates it. The model and its arrays belong to `mem`; the
 * arrays are read-only. ERR_NOT_FOUND: no such file. ERR_INVALID: it is
 * truncated, corrupt or not a model of this format. *why is the reason, a
 * static text.
 *
 * The file can be truncated at any time: the arrays are accessed only within
 * trap_run(model->trap), unless the file has no name any more. If its contents
 * are modified, scores are wrong, but no access is out of bounds.
 */
enum err model_file_map(TALLOC_CTX *mem, const char *path,
    const struct model **out, struct stamp *stamp, const char **why);

#endif
