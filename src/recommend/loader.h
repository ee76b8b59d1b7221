/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model this host serves from: one file, replaced by renaming when another
 * is published. A worker looks at every request whether it is another one, maps
 * that, and lets the old one go. A bad file in its place changes nothing; what
 * was written into the file itself does, if it is not a model any more.
 */
#ifndef RECOMMEND_LOADER_H
#define RECOMMEND_LOADER_H

#include "base/base.h"

#include "recommend/model_file.h"

struct loader;

/* `path` is borrowed for the life of the loader. Nothing is opened yet. */
struct loader *loader_new(TALLOC_CTX *mem, const char *path);

/*
 * The model in force, or NULL. The model that was returned before may be gone
 * then: do not keep it beyond a request.
 */
const struct model *loader_model(struct loader *s);

/* The stamp of what loader_model() last returned; version 0: nothing. */
const struct stamp *loader_stamp(const struct loader *s);

#endif
