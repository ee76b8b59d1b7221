/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model that this host serves from, as mxmctl reports it.
 */
#ifndef CTL_RECOMMEND_MODEL_H
#define CTL_RECOMMEND_MODEL_H

#include "base/base.h"

#include "recommend/publish.h"

struct json;

struct ctl_model {
	const char *path;
	const struct model *model; /* NULL: there is no valid one */
	struct stamp stamp;
	const char *why; /* the error, if there is none */
};

/* Reads the file `path` (setting model_file). */
void ctl_model_here(TALLOC_CTX *mem, const char *path, struct ctl_model *out);

/* As members of a JSON object. */
void ctl_model_json(struct json *j, const struct ctl_model *m);

/* As one line, without its end. */
void ctl_model_print(const struct ctl_model *m);

#endif
