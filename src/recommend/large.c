/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large arrays below a small talloc object whose destructor gives them back.
 */
#include "base/base.h"

#include <sys/mman.h>

#include "base/mem.h"
#include "recommend/large.h"

#define MAPPED ((size_t)128 * 1024) /* bytes, and more */

struct large {
	void *data;
	size_t mapped; /* bytes; 0: malloc() gave it */
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
 * What is freed here goes back to the system. malloc() would learn from it to
 * keep as much for the next time, and a worker would grow with the model.
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
		bytes = SIZE_MAX; /* which nobody can give */
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
