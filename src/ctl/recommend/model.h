/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model that this host serves from, as mxmctl tells of it.
 */
#ifndef CTL_RECOMMEND_MODEL_H
#define CTL_RECOMMEND_MODEL_H

#include "base/base.h"

#include "recommend/publish.h"

struct json;

struct ctl_model {
	const char *path;
	const struct model *model; /* NULL: none that is any good */
	struct stamp stamp;
	const char *why; /* there is none */
};

/* Reads what lies at `path` (setting model_file). */
void ctl_model_here(TALLOC_CTX *mem, const char *path, struct ctl_model *out);

/* The members of an object that tells of it. */
void ctl_model_json(struct json *j, const struct ctl_model *m);

/* One line of it, without its end. */
void ctl_model_print(const struct ctl_model *m);

#endif
