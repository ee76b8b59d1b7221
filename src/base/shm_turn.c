/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Places that processes take in turn: record locks of mxm.shm, which the kernel
 * releases if a process dies.
 */
#include "base/base.h"

#include <fcntl.h>
#include <time.h>

#include "base/clock.h"
#include "base/shm.h"
#include "base/shm_map.h"

#define PLACES_MAX 1024
#define NAP_NS     2000000

/* Locks or unlocks the byte of a place. */
static bool
lock(const struct shm *s, enum shm_turn turn, int place, short type)
{
	struct flock l = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)turn * PLACES_MAX + place,
		.l_len = 1,
	};

	return fcntl(s->fd, F_SETLK, &l) == 0;
}

void
shm_turn_set(struct shm *s, enum shm_turn turn, int places)
{
	assert(turn < SHM_TURN__MAX && places > 0);
	set(&s->map->places[turn], places < PLACES_MAX ? places : PLACES_MAX);
}

int
shm_turn_take(struct shm *s, enum shm_turn turn, int64_t wait_us)
{
	static const struct timespec nap = { .tv_nsec = NAP_NS };
	int64_t until = clock_steady_us() + wait_us;
	int most = get(&s->map->places[turn]);

	assert(turn < SHM_TURN__MAX);
	most = most > 0 ? most : 1;
	for (;;) {
		for (int place = 0; place < most; place++)
			if (lock(s, turn, place, F_WRLCK))
				return place;
		if (clock_steady_us() >= until)
			return -1;
		(void)nanosleep(&nap, NULL);
	}
}

void
shm_turn_give(struct shm *s, enum shm_turn turn, int place)
{
	bool done = lock(s, turn, place, F_UNLCK);

	assert(done);
}
