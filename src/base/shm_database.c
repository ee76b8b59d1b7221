/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The circuit breaker of the database, and the limit of stuck workers per pool.
 *
 * A worker serves one request at a time. If a lock is held for long, all
 * workers wait for it, and requests that need no database wait for them. So a
 * worker whose wait has timed out counts as stuck for a second whenever it
 * waits again, and at most half of a pool may be stuck. Slow statements without
 * a timeout do not count.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/shm_database.h"
#include "base/shm_map.h"

#define MEMORY_US INT64_C(1000000) /* how long a worker counts as stuck */
#define PROBE_US  INT64_C(500000)  /* interval of probes */

/* Number of workers of the pool, and of other stuck ones. */
static void
count_pool(const struct shm *s, int64_t now, int *all, int *stuck)
{
	int pool = get(&s->map->slot[s->slot].pool);

	*all = *stuck = 0;
	for (int i = 0; i < SHM_SLOTS; i++) {
		const struct shm_slot *slot = &s->map->slot[i];

		if (get(&slot->state) != SHM_READY || get(&slot->pool) != pool)
			continue;
		++*all;
		if (i != s->slot && get(&slot->waits_us) &&
		    now - get(&slot->stuck_us) < MEMORY_US)
			++*stuck;
	}
}

enum shm_database
shm_db_ask(struct shm *s)
{
	int64_t now = clock_steady_us();
	int64_t probe = get(&s->map->probe_us);
	int all, stuck;

	if (probe) {
		if (now >= probe &&
		    atomic_compare_exchange_strong(
			&s->map->probe_us, &probe, now + PROBE_US))
			return SHM_DB_PROBE;
		return SHM_DB_REFUSE;
	}
	if (s->slot < 0 || now - get(&s->map->stuck_us) > 2 * MEMORY_US)
		return SHM_DB_GO;
	shm_db_waits(s); /* first, because others may check at the same time */
	count_pool(s, now, &all, &stuck);
	if (all < 2 || stuck < all / 2)
		return SHM_DB_GO;
	shm_db_done(s);
	return SHM_DB_REFUSE;
}

void
shm_db_waits(struct shm *s)
{
	if (s->slot >= 0)
		set(&s->map->slot[s->slot].waits_us, clock_steady_us());
}

void
shm_db_done(struct shm *s)
{
	if (s->slot >= 0)
		set(&s->map->slot[s->slot].waits_us, 0);
}

void
shm_db_stuck(struct shm *s)
{
	int64_t now = clock_steady_us();

	if (s->slot >= 0)
		set(&s->map->slot[s->slot].stuck_us, now);
	set(&s->map->stuck_us, now);
}

bool
shm_db_was_stuck(const struct shm *s)
{
	int64_t stuck = s->slot >= 0 ? get(&s->map->slot[s->slot].stuck_us) : 0;

	return stuck && clock_steady_us() - stuck < MEMORY_US;
}

bool
shm_db_answered(struct shm *s)
{
	set(&s->map->answered_us, clock_steady_us());
	return get(&s->map->probe_us) != 0 &&
	       atomic_exchange(&s->map->probe_us, 0) != 0;
}

int64_t
shm_db_silence_us(const struct shm *s)
{
	return clock_steady_us() - get(&s->map->answered_us);
}

bool
shm_db_away(struct shm *s)
{
	return atomic_exchange(
		   &s->map->probe_us, clock_steady_us() + PROBE_US) == 0;
}

bool
shm_db_is_away(const struct shm *s)
{
	return get(&s->map->probe_us) != 0;
}
