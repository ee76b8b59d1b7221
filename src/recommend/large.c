/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large arrays below a small talloc object whose destructor frees them.
 */
#include "base/base.h"

#include <sys/mman.h>

#include "base/mem.h"
#include "recommend/large.h"

#define MAPPED ((size_t)128 * 1024) /* at least so many bytes */

struct large {
	void *data;
	size_t mapped; /* bytes; 0: it is of malloc() */
};

static int
large_free(struct large *l)
{
	if (l->mapped == 0)
		free(l->data);
	else if (munmap(l->data, l->mapped) != 0)
		abort();
	return 0;
}

/*
 * Memory of mmap() returns to the system when it is freed. malloc() would raise
 * its mmap threshold and hold on to the memory, and workers would grow.
 */
static void *
map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *
large_array(TALLOC_CTX *mem, size_t n, size_t size)
{
	struct large *l = mem_new(mem, struct large);
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX; /* which fails */
	if (bytes >= MAPPED)
		l->mapped = bytes;
	l->data = mem_need(l->mapped ? map(bytes) : calloc(n ? n : 1, size));
	talloc_set_destructor(l, large_free);
	return l->data;
}

void *
large_resize(void *p, size_t n, size_t size)
{
	return mem_need(reallocarray(p, n ? n : 1, size));
}
