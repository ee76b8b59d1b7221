/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model as one file, made once and mapped read-only by whoever serves from
 * it: a header, then the arrays as they lie in memory. Only machines of the
 * same byte order read one another's; all others refuse it.
 */
#ifndef RECOMMEND_MODEL_FILE_H
#define RECOMMEND_MODEL_FILE_H

#include "base/base.h"

#include "recommend/model.h"

#define MODEL_CHECKSUM 32

/* What tells one model from another. */
struct stamp {
	uint64_t version;                       /* 1 and up */
	int64_t trained_at;                     /* seconds since 1970 */
	uint64_t size;                          /* of the file */
	unsigned char checksum[MODEL_CHECKSUM]; /* of all behind the header's */
};

#define MODEL_CHECKSUM_TEXT (2 * MODEL_CHECKSUM + 1)

/* The checksum in hexadecimal digits. */
void model_file_checksum_text(
    const struct stamp *s, char out[MODEL_CHECKSUM_TEXT]);

/*
 * Hands the file to put(), piece by piece from its beginning. `stamp` has the
 * version and the time, and gets size and checksum before the first piece. The
 * model has ids. ERR_INVALID: it holds numbers that are none (NaN, infinity),
 * ids that do not rise or neighbours that are not there, and nothing was put.
 * Else put()'s first failure.
 */
must_check enum err model_file_write(const struct model *m, struct stamp *stamp,
    enum err (*put)(void *arg, const void *p, size_t n), void *arg);

/*
 * Maps a file. The model, its arrays and its stamp live as long as what is put
 * into *out, below `mem`; no array may be written to. ERR_NOT_FOUND: there is
 * none. ERR_INVALID: it is truncated, corrupt or no model of ours. *why
 * (static) says it in words.
 *
 * Whoever may write the file can cut it off at any time: the arrays are looked
 * at within trap_run(model->trap), unless the file has no name any more. What
 * is written into it meanwhile makes wrong scores, not wrong addresses.
 */
must_check enum err model_file_map(TALLOC_CTX *mem, const char *path,
    const struct model **out, struct stamp *stamp, const char **why);

#endif
