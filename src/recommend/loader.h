/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model in force on this host: one file, which is replaced by renaming. A
 * worker checks at every request whether it was replaced, maps the new file and
 * unmaps the old one. If the new file is not valid, the old one stays in use.
 * If the mapped file itself was modified and is no longer valid, it is
 * unmapped.
 */
#ifndef RECOMMEND_LOADER_H
#define RECOMMEND_LOADER_H

#include "base/base.h"

#include "recommend/model_file.h"

struct loader;

/* `path` is borrowed for the life of the loader. Opens nothing yet. */
struct loader *loader_new(TALLOC_CTX *mem, const char *path);

/*
 * The model in force, or NULL. It may unmap the model that was returned before:
 * do not store it beyond a request.
 */
const struct model *loader_model(struct loader *s);

/* The stamp of what loader_model() last returned; version 0: NULL. */
const struct stamp *loader_stamp(const struct loader *s);

#endif
