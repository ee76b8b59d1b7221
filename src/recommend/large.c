/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large arrays: malloc() below a small talloc object whose destructor frees.
 */
#include "base/base.h"

#include "base/mem.h"
#include "recommend/large.h"

struct large {
	void *data;
};

static int
large_free(struct large *l)
{
	free(l->data);
	return 0;
}

void *
large_array(TALLOC_CTX *mem, size_t n, size_t size)
{
	struct large *l = mem_new(mem, struct large);

	l->data = mem_need(calloc(n ? n : 1, size));
	talloc_set_destructor(l, large_free);
	return l->data;
}

void *
large_resize(void *p, size_t n, size_t size)
{
	return mem_need(reallocarray(p, n ? n : 1, size));
}
