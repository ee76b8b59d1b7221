/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads for the arithmetic.
 */
#include "base/base.h"

#include <pthread.h>
#include <sched.h>

#include "recommend/parallel.h"

struct helper {
	pthread_t id;
	unsigned thread;
	void (*work)(void *shared, unsigned thread);
	void *shared;
};

bool
parallel_next(struct parallel *p, size_t *from, size_t *to, size_t *number)
{
	size_t n = atomic_fetch_add(&p->next, 1);

	if ((p->stop && *p->stop) || n * p->batch >= p->total)
		return false;
	*number = n;
	*from = n * p->batch;
	*to = p->total - *from > p->batch ? *from + p->batch : p->total;
	return true;
}

static void *
help(void *arg)
{
	struct helper *h = arg;

	h->work(h->shared, h->thread);
	return NULL;
}

void
parallel_run(
    unsigned threads, void (*work)(void *shared, unsigned thread), void *shared)
{
	struct helper helpers[PARALLEL_MAX];
	unsigned made = 1;

	assert(threads > 0 && threads <= PARALLEL_MAX);
	for (; made < threads; made++) {
		helpers[made] = (struct helper){
			.thread = made, .work = work, .shared = shared
		};
		if (pthread_create(
			&helpers[made].id, NULL, help, &helpers[made]) != 0)
			break;
	}
	work(shared, 0);
	while (made > 1)
		(void)pthread_join(helpers[--made].id, NULL);
}

unsigned
parallel_processors(void)
{
	cpu_set_t set;
	int n;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	if (n < 1)
		return 1;
	return n > PARALLEL_MAX ? PARALLEL_MAX : (unsigned)n;
}
