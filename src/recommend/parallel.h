/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same function in several threads, which share out a range of numbers
 * among themselves. What is written depends on the number alone, never on the
 * thread: results are the same with one thread and with many.
 */
#ifndef RECOMMEND_PARALLEL_H
#define RECOMMEND_PARALLEL_H

#include "base/base.h"

#include <signal.h>
#include <stdatomic.h>

#define PARALLEL_MAX 64

/* A share of the work: batches of numbers, handed out one after the other. */
struct parallel {
	size_t total;
	size_t batch;
	const volatile sig_atomic_t
	    *stop; /* non-zero: hand out no more; NULL */
	atomic_size_t next;
};

/* The next batch [*from, *to), and its number; false: there is none. */
bool parallel_next(
    struct parallel *p, size_t *from, size_t *to, size_t *number);

/*
 * Runs work(shared, thread) in `threads` threads, of which the caller is one,
 * and waits for all. Where no thread can be made, those there are do it.
 */
void parallel_run(unsigned threads, void (*work)(void *shared, unsigned thread),
    void *shared);

/* How many processors there are for us: 1 to PARALLEL_MAX. */
unsigned parallel_processors(void);

#endif
