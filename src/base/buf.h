/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer. Invariant: after buf_init() `data` is never NULL and
 * data[len] is a NUL byte, so that a buffer of text is a C string at any time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *data;
	size_t len;
	size_t size;
	TALLOC_CTX *mem;
};

/* Initialises an empty buffer, allocated below `mem`, with space for `size`. */
void buf_init(struct buf *b, TALLOC_CTX *mem, size_t size);

/* Appends n bytes, a string, one byte, a formatted text, a decimal number. */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_int(struct buf *b, int64_t v);

/* Truncates the buffer to `len` bytes. */
void buf_cut(struct buf *b, size_t len);

#endif
