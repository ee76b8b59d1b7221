/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Models in the database, between the host that trains and those that serve:
 * tables model and model_chunk. The published model with the highest version is
 * the one in force; the newest three are stored.
 */
#ifndef RECOMMEND_PUBLISH_H
#define RECOMMEND_PUBLISH_H

#include "base/base.h"

#include "db/db.h"
#include "recommend/model_file.h"

#define PUBLISH_KEPT 3

/*
 * Publishes in one transaction. The version is one more than the highest ever
 * used, independent of the clock; *stamp is filled. `quality` is a JSON object
 * with the quality of the model, NDCG@100 as {"NDCG@100": {"mean": 0.26}}.
 * Concurrent publications are serialised; `db` has no statement timeout.
 * ERR_INVALID: the model is not valid (model_file_write()). ERR_UNAVAILABLE:
 * the database is unavailable or full. After an error nothing has changed.
 */
enum err publish_model(TALLOC_CTX *mem, struct db *db, const struct model *m,
    const char *quality, struct stamp *stamp);

/* One row of table model. Texts belong to the `mem` of the call. */
struct published {
	int64_t id;
	struct stamp stamp;
	int64_t published_at; /* 0: withdrawn */
	const char *quality;  /* JSON */
	double ndcg;          /* NDCG@100 in it; -1: unknown */
};

/* Is a file with that stamp this model? */
static inline bool
publish_is(const struct published *p, const struct stamp *stamp)
{
	return p->stamp.version == stamp->version &&
	       memcmp(p->stamp.checksum, stamp->checksum, MODEL_CHECKSUM) == 0;
}

/* The model in force. ERR_NOT_FOUND: there is none. */
enum err publish_newest(TALLOC_CTX *mem, struct db *db, struct published *out);

/*
 * The newest rows, published or withdrawn, newest first, at most a hundred.
 */
enum err publish_list(
    TALLOC_CTX *mem, struct db *db, struct published **out, size_t *n);

/*
 * Withdraws the model in force, so that the previous one is in force again:
 * *out. ERR_NOT_FOUND: there is no model in force. ERR_CONFLICT: there is no
 * previous one. ERR_INVALID: the previous one is corrupt; *why is the reason,
 * below `mem`, else it may be NULL. After an error nothing has changed.
 */
enum err publish_rollback(
    TALLOC_CTX *mem, struct db *db, struct published *out, const char **why);

/*
 * Fetches a published model and replaces the file `path` atomically, after
 * validating it as model_file_map() does. ERR_INVALID: the model in the
 * database is corrupt. ERR_NOT_FOUND: it was withdrawn or replaced meanwhile.
 * ERR_UNAVAILABLE: the database is unavailable, or the file cannot be written
 * (the caller ignores SIGXFSZ). *why is the reason, below `mem`.
 */
enum err publish_fetch(TALLOC_CTX *mem, struct db *db,
    const struct published *which, const char *path, const char **why);

/*
 * A published model, fetched into an unnamed file in TMPDIR. It is allocated
 * below `mem`. Errors are those of publish_fetch().
 */
enum err publish_open(TALLOC_CTX *mem, struct db *db,
    const struct published *which, const struct model **out, const char **why);

#endif
