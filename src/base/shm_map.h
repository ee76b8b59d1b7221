/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout of mxm.shm, for shm*.c only. If it is changed, the magic word must
 * be changed too, because programs of two releases may open the same file.
 */
#ifndef BASE_SHM_MAP_H
#define BASE_SHM_MAP_H

#include "base/base.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/shm.h"

#define SHM_MAGIC       "mxm-shm5"
#define SHM_STATUS_LOW  100
#define SHM_STATUS_HIGH 599
#define SHM_LIMITS      (64 * 1024)
#define SHM_LASTING     (8 * 1024)
#define SHM_NEIGHBOURS  8

struct shm_slot {
	_Atomic int state; /* enum shm_state */
	_Atomic int pid;
	_Atomic int pool;
	_Atomic int route;
	_Atomic int accepted; /* requests that are neither counted nor lost */
	_Atomic unsigned generation;
	_Atomic int64_t started_us;
	_Atomic int64_t busy_us;
	_Atomic int64_t waits_us; /* waiting for the database since; 0: no */
	_Atomic int64_t stuck_us; /* last timeout of a wait */
	_Atomic uint64_t requests;
};

struct shm_route {
	char name[SHM_NAME];
	_Atomic uint64_t time_us;
	_Atomic uint64_t took[SHM_BOUNDS + 1];
	_Atomic uint64_t cache[SHM_CACHE__MAX];
	_Atomic uint64_t status[SHM_STATUS_HIGH - SHM_STATUS_LOW + 1];
};

/* Events of one (class, who) in this minute and the one before. */
struct shm_limit_entry {
	_Atomic uint64_t who; /* 0: free */
	_Atomic uint64_t state;
};

struct shm_map {
	char magic[8];
	uint64_t size;
	int64_t since_us;
	int master;
	int n_routes;
	_Atomic int64_t raise_failed_us; /* steady clock */
	_Atomic int64_t touch_clear_us;
	_Atomic int touch_overdue;
	_Atomic int64_t stuck_us;    /* the latest of all slots */
	_Atomic int64_t answered_us; /* last answer of the database */
	_Atomic int64_t probe_us;    /* unavailable, next probe; 0: available */
	_Atomic uint64_t incarnation; /* of the database */
	_Atomic int places[SHM_TURN__MAX];
	_Atomic uint64_t event[SHM_EVENT__MAX];
	_Atomic uint64_t accepted[SHM_POOLS];
	_Atomic uint64_t lost; /* the greatest value so far */
	_Atomic uint64_t account[SHM_CACHE__MAX];
	_Atomic uint64_t stale[SHM_KINDS];
	_Atomic int backlog[SHM_POOLS];
	_Atomic uint64_t refused[SHM_CLASSES];
	_Atomic uint64_t latency[SHM_POOLS][SHM_BUCKETS];
	struct shm_slot slot[SHM_SLOTS];
	struct shm_route route[SHM_ROUTES]; /* 0: no route matched */
	struct shm_limit_entry limit[SHM_LIMITS];
};

/* A table of limits, in mxm.shm or in the file of those that last. */
struct shm_limits {
	char magic[8];
	uint64_t size;
	struct shm_limit_entry entry[SHM_LASTING];
};

struct shm {
	struct shm_map *map;
	struct shm_limits *lasting; /* of shm_limits_open(); NULL: none */
	unsigned lasting_classes;   /* bits 1 << class */
	int fd;                     /* of mxm.shm, for locks */
	char *path;
	struct stat opened; /* of the mapped file */
	int slot;           /* of this worker; -1: none */
};

#define get(P)    atomic_load_explicit((P), memory_order_relaxed)
#define set(P, V) atomic_store_explicit((P), (V), memory_order_relaxed)
#define add(P, V) \
	((void)atomic_fetch_add_explicit((P), (V), memory_order_relaxed))

#endif
