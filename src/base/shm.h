/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory shared by all processes of a host: <run_dir>/mxm.shm, a file created
 * by the master and mapped by all. It has the slots of the workers, the
 * counters, the rate limits, and the flags that disable the answer cache.
 * Counters are atomic, so they stay exact if a process dies; the file has only
 * numbers and names of routes, no pointers.
 */
#ifndef BASE_SHM_H
#define BASE_SHM_H

#include "base/base.h"

#define SHM_SLOTS   1024
#define SHM_ROUTES  192
#define SHM_POOLS   2
#define SHM_CLASSES 8
#define SHM_BUCKETS 128
#define SHM_KINDS   24
#define SHM_NAME    80

struct shm;

/* ------------------------------------------------------- create and open */

/*
 * Creates the file of a new master, with zero counters and the cache flags of
 * the previous file. `routes` are the names for mxmctl status, in the order of
 * the route table. On failure *why is an error message below `mem`.
 */
enum err shm_create(TALLOC_CTX *mem, const char *run_dir,
    const char *const *routes, int n_routes, struct shm **out,
    const char **why);

/*
 * Opens the file of a running or dead master. ERR_NOT_FOUND: there is none;
 * ERR_CONFLICT: it is from another release. Freeing the handle closes it.
 */
enum err shm_open_file(
    TALLOC_CTX *mem, const char *run_dir, bool writable, struct shm **out);

/* Whether a new master has replaced the file, which must be opened then. */
bool shm_is_replaced(const struct shm *s);

/* --------------------------------------------------------------- workers */

enum shm_state { SHM_FREE, SHM_STARTING, SHM_READY, SHM_DRAINING };

struct shm_worker {
	enum shm_state state;
	pid_t pid;
	int pool;
	unsigned generation;
	int route;          /* being served, -1: none or not known */
	int64_t started_us; /* wall clock */
	int64_t busy_us;    /* steady clock, busy since; 0: idle */
	uint64_t requests;
	int waiting; /* requests that it has read and not begun to serve */
};

/* Master: allocates a slot for a worker to be forked; -1: none is free. */
int shm_slot_take(struct shm *s, int pool, unsigned generation);
void shm_slot_free(struct shm *s, int slot);
void shm_slot_state(struct shm *s, int slot, enum shm_state state);

/* Copies a slot; false: it is free. */
bool shm_slot_read(const struct shm *s, int slot, struct shm_worker *out);

/* Worker: sets the slot that the following functions update. */
void shm_slot_mine(struct shm *s, int slot);
void shm_accepted(struct shm *s); /* a request, before it is served */
void shm_busy(struct shm *s);
void shm_serving(struct shm *s, int route);
void shm_idle(struct shm *s);

/* -------------------------------------------------------------- counters */

enum shm_cache {
	SHM_CACHE_NONE, /* the route is not cached */
	SHM_CACHE_HIT,
	SHM_CACHE_MISS,
	SHM_CACHE_OFF, /* cached, but the cache is unavailable or bypassed */
	SHM_CACHE__MAX
};

enum shm_event {
	SHM_RESTARTS,        /* workers that died and were replaced */
	SHM_DEADLINES,       /* of these: killed past the request deadline */
	SHM_RELOADS,         /* settings reloaded */
	SHM_REFUSED_RELOADS, /* the new settings were invalid */
	SHM_DB_OPENED,       /* connections of workers to the database */
	SHM_DB_NOT_OPENED,   /* attempts that failed */
	SHM_DB_LOST,         /* connections that were lost */
	SHM_DB_TIMEOUTS,     /* timeouts of statements and locks */
	SHM_DB_ERRORS,       /* statements that failed otherwise */
	SHM_EVENT__MAX
};

/*
 * Counts an accepted request of this worker's pool, before its answer is sent:
 * an answer that a client has received is counted, even if the worker dies.
 * Route -1: none matched.
 */
void shm_count(struct shm *s, int route, int status, int64_t took_us,
    enum shm_cache cache);
void shm_happened(struct shm *s, enum shm_event event);

/* Counts what the cache had for the account of a caller. */
void shm_count_account(struct shm *s, enum shm_cache cache);

/* Counts a cached answer whose generation of that kind was not current. */
void shm_count_stale(struct shm *s, int kind);

/* Master: whether connections to a pool wait to be accepted. */
void shm_set_backlog(struct shm *s, int pool, bool waits);
bool shm_backlog(const struct shm *s, int pool);

/* For mxmctl status. Routes: -1 (none matched) to shm_routes() - 1. */
pid_t shm_master(const struct shm *s);
int64_t shm_since_us(const struct shm *s);
int shm_routes(const struct shm *s);
const char *shm_route_name(const struct shm *s, int route);
uint64_t shm_requests(const struct shm *s, int route, int status);
uint64_t shm_time_us(const struct shm *s, int route);
uint64_t shm_cache_count(const struct shm *s, enum shm_cache cache);
uint64_t shm_route_cache(const struct shm *s, int route, enum shm_cache cache);
uint64_t shm_accounts(const struct shm *s, enum shm_cache cache);
uint64_t shm_stale(const struct shm *s, int kind);
uint64_t shm_refusals(const struct shm *s, int limit_class);
uint64_t shm_events(const struct shm *s, enum shm_event event);

/*
 * The quantile `share` (0.5, 0.99) of the response times of a pool, within an
 * eighth; 0: no requests.
 */
int64_t shm_percentile_us(const struct shm *s, int pool, double share);

/*
 * The histogram of the response times of a route: requests that took at most
 * shm_bound_us(i), for i < SHM_BOUNDS, but more than the bound before it; at
 * i = SHM_BOUNDS those that took longer.
 */
#define SHM_BOUNDS 13
int64_t shm_bound_us(int i);
uint64_t shm_took(const struct shm *s, int route, int i);

/*
 * Requests that a pool has accepted; and those of all pools that were neither
 * counted nor are in progress, because their worker died. The latter never
 * decreases, and is exact when no request is in progress; `s` is writable.
 */
uint64_t shm_accepted_count(const struct shm *s, int pool);
uint64_t shm_lost(struct shm *s);

/* ---------------------------------------------------------------- limits */

/*
 * Counts one event of `who` against `per_minute` in a sliding minute. Returns
 * 0, or the seconds to wait if there were too many (then it is not counted).
 */
int shm_limit(
    struct shm *s, int limit_class, uint64_t who, unsigned per_minute);

/* The same at a given time of the steady clock. */
int shm_limit_at(struct shm *s, int limit_class, uint64_t who,
    unsigned per_minute, int64_t now_us);

/*
 * For the master, before the fork: the limits of these classes (bits 1 <<
 * class) are in a file, which is created if necessary, so that they survive a
 * restart of the programs and of the machine. false: errno is the reason, and
 * they are in mxm.shm as the others.
 */
bool shm_limits_open(struct shm *s, const char *path, unsigned classes);

/* ----------------------------------------------------------------- turns */

/* What only some of the processes may do at the same time. */
enum shm_turn { SHM_TURN_HASH, SHM_TURN_AWAIT, SHM_TURN_SCRAPE, SHM_TURN__MAX };

/* Sets the number of places; one if it was never set. */
void shm_turn_set(struct shm *s, enum shm_turn turn, int places);

/*
 * Takes a place for the calling process, which must not have one; waits at most
 * `wait_us`. Returns the place for shm_turn_give(), -1: none was free in time.
 * The place of a process that dies is free.
 */
int shm_turn_take(struct shm *s, enum shm_turn turn, int64_t wait_us);
void shm_turn_give(struct shm *s, enum shm_turn turn, int place);

/* ----------------------------------------------------------- cache flags */

/*
 * Whether the answer cache must be bypassed. Also true before the first round
 * of mxm-jobs, because the rows in table touch are not known yet.
 */
bool shm_cache_bypass(const struct shm *s);

/* A worker could not raise a generation: bypass until mxm-jobs has done it. */
void shm_raise_failed(struct shm *s);

/*
 * mxm-jobs: all rows of table touch at time `at` (steady clock, taken before
 * reading them) have been raised.
 */
void shm_touch_clear(struct shm *s, int64_t at);

/* The last such time (steady clock); 0: never. */
int64_t shm_touch_looked(const struct shm *s);

/* mxm-jobs: whether there are overdue rows. */
void shm_touch_overdue(struct shm *s, bool overdue);

/*
 * The incarnation of the database whose answers are cached. Set by mxm-jobs
 * before it calls shm_touch_clear(), so that nothing is cached without one.
 */
void shm_set_incarnation(struct shm *s, uint64_t incarnation);
uint64_t shm_incarnation(const struct shm *s);

#endif
