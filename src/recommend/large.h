/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arrays for the ratings and factors of a whole site: larger than talloc
 * allocates (256 MiB), but freed with a talloc context.
 */
#ifndef RECOMMEND_LARGE_H
#define RECOMMEND_LARGE_H

#include "base/base.h"

/*
 * n zeroed elements of `size` bytes, freed with `mem`. Never NULL: a failure
 * ends the process, as in mem_need().
 */
void *large_array(TALLOC_CTX *mem, size_t n, size_t size);

/* Resizes an array of malloc() (or NULL); never NULL. */
void *large_resize(void *p, size_t n, size_t size);

#endif
