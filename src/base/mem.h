/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two lifetimes: that of the worker and that of a request. Allocation cannot
 * fail: without memory the process exits, and the master replaces it.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

/* Sets the talloc abort handler; call once, first in main(). */
void mem_init(void);

/*
 * A context for one request below `parent`: a pool in release builds, a plain
 * context in debug builds so that AddressSanitizer sees every block.
 */
TALLOC_CTX *mem_request(TALLOC_CTX *parent);

/* As talloc_zero / talloc_array / talloc_strdup, but never NULL. */
#define mem_new(ctx, type) ((type *)mem_need(talloc_zero((ctx), type)))
#define mem_array(ctx, type, n) \
	((type *)mem_need(talloc_zero_array((ctx), type, (unsigned)(n))))
#define mem_grow(ctx, p, type, n) \
	((type *)mem_need(talloc_realloc((ctx), (p), type, (unsigned)(n))))
char *mem_text(TALLOC_CTX *ctx, const char *s);
char *mem_textn(TALLOC_CTX *ctx, const char *s, size_t n);
char *mem_printf(TALLOC_CTX *ctx, const char *fmt, ...) printf_like(2, 3);

/* Returns `p`; logs and exits if it is NULL. */
void *mem_need(void *p);

#endif
