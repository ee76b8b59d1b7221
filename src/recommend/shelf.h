/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model this host serves from: one file, replaced by renaming when another
 * is published. A worker looks at every request whether it is another one, maps
 * that, and lets the old one go. A bad file in its place changes nothing; what
 * was written into the file itself does, if it is no model any more.
 */
#ifndef RECOMMEND_SHELF_H
#define RECOMMEND_SHELF_H

#include "base/base.h"

#include "recommend/file.h"

struct shelf;

/* `path` is borrowed for the life of the shelf. Nothing is opened yet. */
struct shelf *shelf_new(TALLOC_CTX *mem, const char *path);

/*
 * The model in force, or NULL. The model that was returned before may be gone
 * then: do not keep it beyond a request.
 */
const struct model *shelf_model(struct shelf *s);

/* The stamp of what shelf_model() last returned; version 0: nothing. */
const struct stamp *shelf_stamp(const struct shelf *s);

#endif
