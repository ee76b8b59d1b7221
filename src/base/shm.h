/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all processes of a host share: <run_dir>/mxm.shm, a file that the master
 * makes and everybody maps. In it are the workers' slots, the counters, the
 * rate limits, and the flags that take the answer cache out of use. Counters
 * are atomic, so that they are exact whoever dies; only numbers and names of
 * routes are in it, so that nothing can dangle.
 */
#ifndef BASE_SHM_H
#define BASE_SHM_H

#include "base/base.h"

#define SHM_SLOTS   1024
#define SHM_ROUTES  192
#define SHM_POOLS   2
#define SHM_CLASSES 8
#define SHM_BUCKETS 128
#define SHM_NAME    80

struct shm;

/* ------------------------------------------------------- making, opening */

/*
 * Makes the file of a new master: zero counters, but the cache flags of the
 * file that was there before are kept. `routes` are the names to show, in the
 * order of the route table. On failure *why is a sentence below `mem`.
 */
enum err shm_create(TALLOC_CTX *mem, const char *run_dir,
    const char *const *routes, int n_routes, struct shm **out,
    const char **why);

/*
 * Opens the file of a running or dead master. ERR_NOT_FOUND: there is none;
 * ERR_CONFLICT: it is of another release. Closed when the handle is freed.
 */
enum err shm_open_file(
    TALLOC_CTX *mem, const char *run_dir, bool writable, struct shm **out);

/* Has a new master put another file in its place? Then open that. */
bool shm_is_replaced(const struct shm *s);

/* --------------------------------------------------------------- workers */

enum shm_state { SHM_FREE, SHM_STARTING, SHM_READY, SHM_DRAINING };

struct shm_worker {
	enum shm_state state;
	pid_t pid;
	int pool;
	unsigned generation;
	int route;          /* being served, -1: none or not known yet */
	int64_t started_us; /* wall clock */
	int64_t busy_us;    /* steady clock, since when busy; 0: idle */
	uint64_t requests;
};

/* Master: takes a free slot for a worker to be forked; -1: all are taken. */
int shm_slot_take(struct shm *s, int pool, unsigned generation);
void shm_slot_free(struct shm *s, int slot);
void shm_slot_state(struct shm *s, int slot, enum shm_state state);

/* Copies a slot; false: it is free. */
bool shm_slot_read(const struct shm *s, int slot, struct shm_worker *out);

/* Worker: this slot is mine; what follows is noted there. */
void shm_slot_mine(struct shm *s, int slot);
void shm_busy(struct shm *s);
void shm_serving(struct shm *s, int route);
void shm_idle(struct shm *s);

/* -------------------------------------------------------------- counters */

enum shm_cache {
	SHM_CACHE_NONE, /* not a kept route */
	SHM_CACHE_HIT,
	SHM_CACHE_MISS,
	SHM_CACHE_OFF, /* kept, but the cache is away or passed by */
	SHM_CACHE__MAX
};

enum shm_event {
	SHM_RESTARTS,  /* workers that died and were replaced */
	SHM_DEADLINES, /* of these: killed past the request deadline */
	SHM_RELOADS,   /* settings read again and taken */
	SHM_EVENT__MAX
};

/* One answered request of this worker's pool; route -1: none matched. */
void shm_count(struct shm *s, int route, int status, int64_t took_us,
    enum shm_cache cache);
void shm_happened(struct shm *s, enum shm_event event);

/* For mxmctl status. Routes: -1 (none matched) to shm_routes() - 1. */
pid_t shm_master(const struct shm *s);
int64_t shm_since_us(const struct shm *s);
int shm_routes(const struct shm *s);
const char *shm_route_name(const struct shm *s, int route);
uint64_t shm_requests(const struct shm *s, int route, int status);
uint64_t shm_time_us(const struct shm *s, int route);
uint64_t shm_cache_count(const struct shm *s, enum shm_cache cache);
uint64_t shm_refusals(const struct shm *s, int limit_class);
uint64_t shm_events(const struct shm *s, enum shm_event event);

/*
 * The time that `share` (0.5, 0.99) of a pool's requests stayed below, exact to
 * an eighth; 0: none yet.
 */
int64_t shm_percentile_us(const struct shm *s, int pool, double share);

/* ---------------------------------------------------------------- limits */

/*
 * Counts one event of `who` against `per_minute` in a sliding minute. Returns
 * 0, or the seconds to wait when there were too many (then it is not counted).
 */
int shm_limit(
    struct shm *s, int limit_class, uint64_t who, unsigned per_minute);

/* The same at a given time of the steady clock. */
int shm_limit_at(struct shm *s, int limit_class, uint64_t who,
    unsigned per_minute, int64_t now_us);

/* ----------------------------------------------------------- cache flags */

/*
 * Must the answer cache be passed by? Also before mxm-jobs has looked for the
 * first time: nobody knows yet what waits in table touch.
 */
bool shm_cache_bypass(const struct shm *s);

/* A worker could not raise a generation: bypass, until mxm-jobs did it. */
void shm_raise_failed(struct shm *s);

/*
 * mxm-jobs: all rows that table touch held at time `at` (steady clock, taken
 * before the look) have been raised.
 */
void shm_touch_clear(struct shm *s, int64_t at);

/* When it last did that (steady clock); 0: never. */
int64_t shm_touch_looked(const struct shm *s);

/* mxm-jobs: there are rows that should have been raised long since, or not. */
void shm_touch_overdue(struct shm *s, bool overdue);

/*
 * Which incarnation of the database answers are kept of. Set by mxm-jobs before
 * it calls shm_touch_clear(), so that nobody keeps anything under none.
 */
void shm_set_incarnation(struct shm *s, uint64_t incarnation);
uint64_t shm_incarnation(const struct shm *s);

#endif
