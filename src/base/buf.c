/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer: doubles its size, always NUL-terminated.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/mem.h"

void
buf_init(struct buf *b, TALLOC_CTX *mem, size_t size)
{
	if (size < 64)
		size = 64;
	b->mem = mem;
	b->size = size;
	b->len = 0;
	b->data = mem_need(talloc_size(mem, size));
	b->data[0] = '\0';
}

/* Ensures space for n more bytes and the terminating NUL. */
static void
buf_room(struct buf *b, size_t n)
{
	size_t size = b->size;

	if (n < size - b->len)
		return;
	while (size - b->len <= n)
		size *= 2;
	b->data = mem_need(talloc_realloc_size(b->mem, b->data, size));
	b->size = size;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	buf_room(b, n);
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if ((size_t)n >= b->size - b->len) {
		b->data[b->len] = '\0';
		buf_room(b, (size_t)n);
		va_start(ap, fmt);
		n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

void
buf_int(struct buf *b, int64_t v)
{
	char digits[20], *p = digits + sizeof digits;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

void
buf_cut(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	b->data[len] = '\0';
}
