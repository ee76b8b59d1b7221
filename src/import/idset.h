/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of the numbers of a source, as a bitmap: 12.5 MB whatever its size.
 */
#ifndef IMPORT_IDSET_H
#define IMPORT_IDSET_H

#include "base/base.h"

#define IDSET_MAX INT64_C(99999999)

struct idset {
	uint8_t *bits;
};

/* An empty set below `mem`. */
struct idset *idset_new(TALLOC_CTX *mem);

/* The numbers are 0 to IDSET_MAX. */
bool idset_has(const struct idset *set, int64_t id);

/* false: it is in the set already. */
bool idset_add(struct idset *set, int64_t id);

void idset_remove(struct idset *set, int64_t id);

#endif
