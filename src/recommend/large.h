/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arrays for the ratings and the factors of a whole site: larger than talloc
 * hands out (256 MiB), yet freed with a talloc context like everything else.
 */
#ifndef RECOMMEND_LARGE_H
#define RECOMMEND_LARGE_H

#include "base/base.h"

/*
 * n zeroed elements of `size` bytes, freed with `mem`. Never NULL: no memory,
 * or a size that no address can hold, ends the process as mem_need() does.
 */
void *large_array(TALLOC_CTX *mem, size_t n, size_t size);

/* Another length for what malloc() gave (or NULL); never NULL. */
void *large_resize(void *p, size_t n, size_t size);

#endif
