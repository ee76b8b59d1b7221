/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A memcached of our own for every test, and what stands in for one. Without
 * memcached the tests are skipped.
 */
#ifndef T_UNIT_CACHE_WORLD_H
#define T_UNIT_CACHE_WORLD_H

#include "base/base.h"

#include <sys/types.h>

#include "cache/cache.h"

#define MAX_SERVERS 2

extern char cache_folder[];              /* for sockets */
extern char cache_path[MAX_SERVERS][64]; /* socket of each server */
extern struct cache *cache;              /* of the first server */
extern TALLOC_CTX *mem;                  /* of the test */

/* The .init, which starts the first server, and .fini of a suite. */
void cache_set_up(void);
void cache_tear_down(void);

/* Starts a server and waits until it answers. */
void cache_start(int i);

/* Kills a server, if it runs. */
void cache_stop(int i);

/* Stops a server with SIGSTOP, and lets it go on. */
void cache_freeze(int i);
void cache_thaw(int i);

/* A connection to a socket; -1: nothing listens. */
int cache_connect(const char *where);

/* Two milliseconds. */
void cache_nap(void);

/*
 * Forks a process with the listening socket *fd at `where`: 0 in the child,
 * which ends with the test; the parent kills it and unlinks `where`.
 */
pid_t cache_stand_in(const char *where, int *fd);

#endif
