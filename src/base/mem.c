/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts and allocation that cannot fail.
 */
#include "base/base.h"

#include <malloc.h>
#include <stdarg.h>

#include "base/mem.h"

#define REQUEST_POOL (32 * 1024)
#define GIVE_BACK    (1024 * 1024) /* free blocks of this size are returned */

static void
out_of_memory(const char *reason)
{
	fputs("moviesxmovies: ", stderr);
	fputs(reason, stderr);
	fputc('\n', stderr);
	abort();
}

/*
 * Without these two limits malloc() raises its thresholds when a large block is
 * freed, and a worker retains the memory of one large request.
 */
void
mem_init(void)
{
	talloc_set_abort_fn(out_of_memory);
	(void)mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
	(void)mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
}

void *
mem_need(void *p)
{
	if (!p)
		out_of_memory("out of memory");
	return p;
}

TALLOC_CTX *
mem_request(TALLOC_CTX *parent)
{
#ifdef MXM_DEBUG
	return mem_need(talloc_named_const(parent, 0, "request"));
#else
	return mem_need(talloc_pool(parent, REQUEST_POOL));
#endif
}

char *
mem_text(TALLOC_CTX *ctx, const char *s)
{
	return mem_need(talloc_strdup(ctx, s));
}

char *
mem_textn(TALLOC_CTX *ctx, const char *s, size_t n)
{
	char *copy = mem_need(talloc_size(ctx, n + 1));

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
mem_printf(TALLOC_CTX *ctx, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = talloc_vasprintf(ctx, fmt, ap);
	va_end(ap);
	return mem_need(s);
}
