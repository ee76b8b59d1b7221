/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Models on their way from the machine that trains to those that serve: tables
 * model and model_chunk. The published model with the highest version is the
 * one in force; the newest three are kept.
 */
#ifndef RECOMMEND_PUBLISH_H
#define RECOMMEND_PUBLISH_H

#include "base/base.h"

#include "db/db.h"
#include "recommend/model_file.h"

#define PUBLISH_KEPT 3

/*
 * Publishes in one transaction: the version is one more than the highest there
 * ever was (whatever the clock says), and *stamp gets all of it. `quality` is a
 * JSON object that tells how good the model is, NDCG@100 as {"NDCG@100":
 * {"mean": 0.26}}. Two hosts that publish at once wait for each other; `db` has
 * no statement timeout. ERR_INVALID: the model is not sound
 * (model_file_write()). ERR_UNAVAILABLE: the database is away or full; then
 * nothing has changed.
 */
must_check enum err publish_model(TALLOC_CTX *mem, struct db *db,
    const struct model *m, const char *quality, struct stamp *stamp);

/* One row of table model. Texts belong to the `mem` of the call. */
struct published {
	int64_t id;
	struct stamp stamp;
	int64_t published_at; /* since then in force, or kept; 0: taken back */
	const char *quality;  /* JSON */
	double ndcg; /* of it: NDCG@100 on held-out ratings; -1: unknown */
};

/* Is a file with that stamp this very model? */
static inline bool
publish_is(const struct published *p, const struct stamp *stamp)
{
	return p->stamp.version == stamp->version &&
	       memcmp(p->stamp.checksum, stamp->checksum, MODEL_CHECKSUM) == 0;
}

/* The model in force. ERR_NOT_FOUND: there is none. */
must_check enum err publish_newest(
    TALLOC_CTX *mem, struct db *db, struct published *out);

/*
 * The newest rows, published or taken back, newest first, no more than a
 * hundred.
 */
must_check enum err publish_list(
    TALLOC_CTX *mem, struct db *db, struct published **out, size_t *n);

/*
 * Takes back what is in force, so that the one before it is. *out is the one
 * that is in force now. ERR_NOT_FOUND: nothing is. ERR_CONFLICT: there is none
 * before it. ERR_INVALID: the one before it is corrupt, and *why says it (below
 * `mem`; else it may be NULL). After any error nothing has changed.
 */
must_check enum err publish_rollback(
    TALLOC_CTX *mem, struct db *db, struct published *out, const char **why);

/*
 * Fetches a published model and puts it in the place of `path`, whole or not at
 * all: written beside it, checked as model_file_map() checks, and renamed.
 * ERR_INVALID: what the database holds is corrupt. ERR_NOT_FOUND: it was taken
 * back or replaced meanwhile. ERR_UNAVAILABLE: the database is away, or the
 * file cannot be written (SIGXFSZ is the caller's to ignore). *why says it,
 * below `mem`.
 */
must_check enum err publish_fetch(TALLOC_CTX *mem, struct db *db,
    const struct published *which, const char *path, const char **why);

/*
 * A published model for reading, fetched into a file without a name in TMPDIR.
 * It lives below `mem`. Errors are those of publish_fetch().
 */
must_check enum err publish_open(TALLOC_CTX *mem, struct db *db,
    const struct published *which, const struct model **out, const char **why);

#endif
