/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shared memory file. All accesses are atomic with relaxed order: the
 * values are independent of one another. The rate limits are in shm_limit.c.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/shm.h"
#include "base/shm_map.h"

#define NAME "mxm.shm"

/* ------------------------------------------------------- create and open */

static int
destroy(struct shm *s)
{
	munmap(s->map, sizeof *s->map);
	if (s->lasting)
		munmap(s->lasting, sizeof *s->lasting);
	close(s->fd);
	return 0;
}

/* Maps fd; freeing the handle unmaps and closes it. NULL: errno is set. */
static struct shm *
map_file(TALLOC_CTX *mem, const char *path, int fd, bool writable)
{
	int rights = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;
	struct shm *s;
	void *map;

	if (fstat(fd, &st) != 0)
		return NULL;
	map = mmap(NULL, sizeof *s->map, rights, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	s = mem_new(mem, struct shm);
	s->map = map;
	s->fd = fd;
	s->path = mem_text(s, path);
	s->opened = st;
	s->slot = -1;
	talloc_set_destructor(s, destroy);
	return s;
}

static void
fill(struct shm_map *map, const char *const *routes, int n_routes)
{
	int i;

	for (i = 0; i < n_routes; i++)
		snprintf(map->route[i + 1].name, SHM_NAME, "%s", routes[i]);
	map->n_routes = n_routes;
	map->size = sizeof *map;
	map->master = getpid();
	map->since_us = clock_now_us();
	memcpy(map->magic, SHM_MAGIC, sizeof map->magic);
}

/* Copies the cache flags of the previous file. */
static void
keep_flags(TALLOC_CTX *mem, const char *run_dir, struct shm_map *map)
{
	int64_t now = clock_steady_us();
	struct shm *old;

	if (shm_open_file(mem, run_dir, false, &old))
		return;
	map->raise_failed_us = get(&old->map->raise_failed_us);
	map->touch_clear_us = get(&old->map->touch_clear_us);
	map->touch_overdue = get(&old->map->touch_overdue);
	map->incarnation = get(&old->map->incarnation);
	/* the steady clock went back: the machine was rebooted */
	if (map->raise_failed_us > now)
		map->raise_failed_us = now;
	if (map->touch_clear_us > now)
		map->touch_clear_us = 0;
	talloc_free(old);
}

enum err
shm_create(TALLOC_CTX *mem, const char *run_dir, const char *const *routes,
    int n_routes, struct shm **out, const char **why)
{
	char *path = mem_printf(mem, "%s/" NAME, run_dir);
	char *fresh = mem_printf(mem, "%s.%d", path, (int)getpid());
	struct shm *s = NULL;
	int fd, error;

	assert(n_routes < SHM_ROUTES);
	fd = open(
	    fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)sizeof *s->map);
	if (error == 0) {
		s = map_file(mem, path, fd, true);
		error = s ? 0 : errno;
	}
	if (fd >= 0 && !s)
		close(fd);
	if (error == 0) {
		keep_flags(mem, run_dir, s->map);
		fill(s->map, routes, n_routes);
		error = rename(fresh, path) == 0 ? 0 : errno;
	}
	if (error == 0) {
		*out = s;
		return ERR_OK;
	}
	unlink(fresh);
	talloc_free(s);
	*why = mem_printf(mem,
	    "cannot create %s: %s; its directory must exist, be writable for "
	    "mxmd and have %zu KiB free",
	    path, strerror(error), sizeof *s->map / 1024);
	return ERR_UNAVAILABLE;
}

enum err
shm_open_file(
    TALLOC_CTX *mem, const char *run_dir, bool writable, struct shm **out)
{
	char *path = mem_printf(mem, "%s/" NAME, run_dir);
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct shm *s = NULL;
	struct stat st;
	bool fits;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_FORBIDDEN;
	fits =
	    fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct shm_map);
	if (fits)
		s = map_file(mem, path, fd, writable);
	if (!s) {
		close(fd);
		return fits ? ERR_UNAVAILABLE : ERR_CONFLICT;
	}
	if (memcmp(s->map->magic, SHM_MAGIC, sizeof s->map->magic) != 0 ||
	    s->map->size != sizeof *s->map) {
		talloc_free(s);
		return ERR_CONFLICT;
	}
	*out = s;
	return ERR_OK;
}

bool
shm_is_replaced(const struct shm *s)
{
	struct stat st;

	return stat(s->path, &st) != 0 || !file_is_same_inode(&st, &s->opened);
}

/* --------------------------------------------------------------- workers */

int
shm_slot_take(struct shm *s, int pool, unsigned generation)
{
	struct shm_slot *slot;
	int i;

	assert(pool >= 0 && pool < SHM_POOLS);
	for (i = 0; i < SHM_SLOTS; i++) {
		slot = &s->map->slot[i];
		if (get(&slot->state) != SHM_FREE)
			continue;
		set(&slot->pid, 0);
		set(&slot->pool, pool);
		set(&slot->generation, generation);
		set(&slot->route, -1);
		set(&slot->accepted, 0);
		set(&slot->started_us, clock_now_us());
		set(&slot->busy_us, 0);
		set(&slot->waits_us, 0);
		set(&slot->stuck_us, 0);
		set(&slot->requests, 0);
		set(&slot->state, SHM_STARTING);
		return i;
	}
	return -1;
}

void
shm_slot_free(struct shm *s, int slot)
{
	set(&s->map->slot[slot].state, SHM_FREE);
}

void
shm_slot_state(struct shm *s, int slot, enum shm_state state)
{
	set(&s->map->slot[slot].state, (int)state);
}

bool
shm_slot_read(const struct shm *s, int slot, struct shm_worker *out)
{
	const struct shm_slot *from = &s->map->slot[slot];

	out->state = (enum shm_state)get(&from->state);
	if (out->state == SHM_FREE)
		return false;
	out->pid = get(&from->pid);
	out->pool = get(&from->pool);
	out->generation = get(&from->generation);
	out->route = get(&from->route);
	out->started_us = get(&from->started_us);
	out->busy_us = get(&from->busy_us);
	out->requests = get(&from->requests);
	out->waiting = get(&from->accepted) - (out->busy_us != 0);
	if (out->waiting < 0)
		out->waiting = 0;
	return true;
}

void
shm_slot_mine(struct shm *s, int slot)
{
	s->slot = slot;
	set(&s->map->slot[slot].pid, getpid());
}

/* The slot first: shm_lost() must not find an accepted request in none. */
void
shm_accepted(struct shm *s)
{
	struct shm_slot *slot = &s->map->slot[s->slot];

	add(&slot->accepted, 1);
	atomic_fetch_add_explicit(
	    &s->map->accepted[get(&slot->pool)], 1, memory_order_release);
}

void
shm_busy(struct shm *s)
{
	struct shm_slot *slot = &s->map->slot[s->slot];

	set(&slot->route, -1);
	set(&slot->busy_us, clock_steady_us());
}

void
shm_serving(struct shm *s, int route)
{
	if (s->slot >= 0)
		set(&s->map->slot[s->slot].route, route);
}

void
shm_idle(struct shm *s)
{
	struct shm_slot *slot = &s->map->slot[s->slot];

	add(&slot->requests, 1);
	set(&slot->waits_us, 0);
	set(&slot->busy_us, 0);
}

/* -------------------------------------------------------------- counters */

/*
 * Bucket of a duration: the position of its highest bit and the two bits below
 * it, so that the width of a bucket is at most a fifth of its value.
 */
static int
bucket_of(int64_t us)
{
	uint64_t v = us > 0 ? (uint64_t)us : 0;
	int high = 2;

	if (v < 4)
		return (int)v;
	while (v >> (high + 1))
		high++;
	high = high * 4 - 4 + (int)(v >> (high - 2) & 3);
	return high < SHM_BUCKETS ? high : SHM_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t
bucket_us(int bucket)
{
	int high = bucket / 4 + 1;
	int64_t width;

	if (bucket < 4)
		return bucket;
	width = INT64_C(1) << (high - 2);
	return (4 + bucket % 4) * width + width / 2;
}

static const int64_t bounds_us[SHM_BOUNDS] = { 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000 };

int64_t
shm_bound_us(int i)
{
	assert(i >= 0 && i < SHM_BOUNDS);
	return bounds_us[i];
}

static int
step_of(int64_t us)
{
	int i = 0;

	while (i < SHM_BOUNDS && us > bounds_us[i])
		i++;
	return i;
}

void
shm_count(
    struct shm *s, int route, int status, int64_t took_us, enum shm_cache cache)
{
	struct shm_route *row;
	int pool = 0;

	assert(route >= -1 && route < s->map->n_routes);
	row = &s->map->route[route + 1];
	if (s->slot >= 0)
		pool = get(&s->map->slot[s->slot].pool);
	if (status < SHM_STATUS_LOW || status > SHM_STATUS_HIGH)
		status = SHM_STATUS_HIGH;
	add(&row->status[status - SHM_STATUS_LOW], 1);
	add(&row->time_us, took_us > 0 ? (uint64_t)took_us : 0);
	add(&row->took[step_of(took_us)], 1);
	add(&row->cache[cache], 1);
	add(&s->map->latency[pool][bucket_of(took_us)], 1);
	/* last: then shm_lost() finds it in the row */
	if (s->slot >= 0 && get(&s->map->slot[s->slot].accepted) > 0)
		atomic_fetch_sub_explicit(
		    &s->map->slot[s->slot].accepted, 1, memory_order_release);
}

void
shm_count_account(struct shm *s, enum shm_cache cache)
{
	add(&s->map->account[cache], 1);
}

void
shm_count_stale(struct shm *s, int kind)
{
	assert(kind >= 0 && kind < SHM_KINDS);
	add(&s->map->stale[kind], 1);
}

void
shm_set_backlog(struct shm *s, int pool, bool waits)
{
	set(&s->map->backlog[pool], (int)waits);
}

bool
shm_backlog(const struct shm *s, int pool)
{
	return get(&s->map->backlog[pool]) != 0;
}

void
shm_happened(struct shm *s, enum shm_event event)
{
	add(&s->map->event[event], 1);
}

pid_t
shm_master(const struct shm *s)
{
	return s->map->master;
}

int64_t
shm_since_us(const struct shm *s)
{
	return s->map->since_us;
}

int
shm_routes(const struct shm *s)
{
	return s->map->n_routes;
}

const char *
shm_route_name(const struct shm *s, int route)
{
	return route < 0 ? "(no route)" : s->map->route[route + 1].name;
}

uint64_t
shm_requests(const struct shm *s, int route, int status)
{
	assert(status >= SHM_STATUS_LOW && status <= SHM_STATUS_HIGH);
	return get(&s->map->route[route + 1].status[status - SHM_STATUS_LOW]);
}

uint64_t
shm_time_us(const struct shm *s, int route)
{
	return get(&s->map->route[route + 1].time_us);
}

uint64_t
shm_route_cache(const struct shm *s, int route, enum shm_cache cache)
{
	return get(&s->map->route[route + 1].cache[cache]);
}

uint64_t
shm_cache_count(const struct shm *s, enum shm_cache cache)
{
	uint64_t n = 0;
	int route;

	for (route = -1; route < s->map->n_routes; route++)
		n += shm_route_cache(s, route, cache);
	return n;
}

uint64_t
shm_accounts(const struct shm *s, enum shm_cache cache)
{
	return get(&s->map->account[cache]);
}

uint64_t
shm_stale(const struct shm *s, int kind)
{
	return get(&s->map->stale[kind]);
}

uint64_t
shm_took(const struct shm *s, int route, int i)
{
	return get(&s->map->route[route + 1].took[i]);
}

uint64_t
shm_accepted_count(const struct shm *s, int pool)
{
	return atomic_load_explicit(
	    &s->map->accepted[pool], memory_order_acquire);
}

/*
 * In this order, a request that proceeds meanwhile is subtracted twice rather
 * than never.
 */
uint64_t
shm_lost(struct shm *s)
{
	uint64_t seen = get(&s->map->lost), accepted = 0, rest = 0;
	int i, route, status;

	for (i = 0; i < SHM_POOLS; i++)
		accepted += shm_accepted_count(s, i);
	for (i = 0; i < SHM_SLOTS; i++)
		if (get(&s->map->slot[i].state) != SHM_FREE)
			rest += (uint64_t)atomic_load_explicit(
			    &s->map->slot[i].accepted, memory_order_acquire);
	for (route = -1; route < s->map->n_routes; route++)
		for (status = SHM_STATUS_LOW; status <= SHM_STATUS_HIGH;
		     status++)
			rest += shm_requests(s, route, status);
	while (accepted > rest && seen < accepted - rest &&
	       !atomic_compare_exchange_weak(
		   &s->map->lost, &seen, accepted - rest))
		;
	return get(&s->map->lost);
}

uint64_t
shm_refusals(const struct shm *s, int limit_class)
{
	return get(&s->map->refused[limit_class]);
}

uint64_t
shm_events(const struct shm *s, enum shm_event event)
{
	return get(&s->map->event[event]);
}

int64_t
shm_percentile_us(const struct shm *s, int pool, double share)
{
	uint64_t count[SHM_BUCKETS], all = 0, seen = 0;
	int i;

	for (i = 0; i < SHM_BUCKETS; i++) {
		count[i] = get(&s->map->latency[pool][i]);
		all += count[i];
	}
	if (all == 0)
		return 0;
	for (i = 0; i < SHM_BUCKETS - 1; i++) {
		seen += count[i];
		if ((double)seen >= share * (double)all)
			break;
	}
	return bucket_us(i);
}

/* ----------------------------------------------------------- cache flags */

bool
shm_cache_bypass(const struct shm *s)
{
	return get(&s->map->touch_overdue) ||
	       get(&s->map->raise_failed_us) >= get(&s->map->touch_clear_us);
}

/* Stores the later time. */
static void
raise_to(_Atomic int64_t *at, int64_t us)
{
	int64_t old = get(at);

	while (old < us && !atomic_compare_exchange_weak(at, &old, us))
		;
}

void
shm_raise_failed(struct shm *s)
{
	raise_to(&s->map->raise_failed_us, clock_steady_us());
}

void
shm_touch_clear(struct shm *s, int64_t at)
{
	raise_to(&s->map->touch_clear_us, at);
}

int64_t
shm_touch_looked(const struct shm *s)
{
	return get(&s->map->touch_clear_us);
}

void
shm_touch_overdue(struct shm *s, bool overdue)
{
	set(&s->map->touch_overdue, (int)overdue);
}

void
shm_set_incarnation(struct shm *s, uint64_t incarnation)
{
	set(&s->map->incarnation, incarnation);
}

uint64_t
shm_incarnation(const struct shm *s)
{
	return get(&s->map->incarnation);
}
