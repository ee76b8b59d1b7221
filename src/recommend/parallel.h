/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same function in several threads, which distribute a range of numbers
 * among themselves. Results depend on the numbers only, never on the thread:
 * they are the same with any number of threads.
 */
#ifndef RECOMMEND_PARALLEL_H
#define RECOMMEND_PARALLEL_H

#include "base/base.h"

#include <signal.h>
#include <stdatomic.h>

#define PARALLEL_MAX 64

/* The work: batches of numbers, distributed in order. */
struct parallel {
	size_t total;
	size_t batch;
	const volatile sig_atomic_t *stop; /* non-zero: stop; or NULL */
	atomic_size_t next;
};

/* The next batch [*from, *to) and its number; false: no more. */
bool parallel_next(
    struct parallel *p, size_t *from, size_t *to, size_t *number);

/*
 * Runs work(shared, thread) in `threads` threads, including the calling one,
 * and waits for all. If a thread cannot be created, the others do its work.
 */
void parallel_run(unsigned threads, void (*work)(void *shared, unsigned thread),
    void *shared);

/* The number of usable processors: 1 to PARALLEL_MAX. */
unsigned parallel_processors(void);

#endif
