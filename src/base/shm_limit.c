/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lock-free rate limits in shared memory. An entry counts the events of the
 * current and the previous minute; a sliding minute is estimated by weighting
 * the previous one. The table has a fixed size: if there is no free entry
 * nearby, the least recently used one is replaced. Limits that last are in a
 * mapped file: the kernel writes its changed pages every half a minute, so that
 * a request costs no write, and their minutes are of the wall clock.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shm.h"
#include "base/shm_map.h"

#define MINUTE_US INT64_C(60000000)
#define SECOND_US INT64_C(1000000)

/* An entry in one word: the minute, and both counts. */
#define MINUTE_BITS 24
#define COUNT_BITS  20
#define MINUTE_MASK ((UINT64_C(1) << MINUTE_BITS) - 1)
#define COUNT_MASK  ((UINT64_C(1) << COUNT_BITS) - 1)

struct window {
	uint64_t minute;
	int64_t now, before;
};

static uint64_t
pack(const struct window *w)
{
	return w->minute << (2 * COUNT_BITS) | (uint64_t)w->now << COUNT_BITS |
	       (uint64_t)w->before;
}

/* The counts of an entry as of this minute. */
static void
unpack(uint64_t state, uint64_t minute, struct window *w)
{
	uint64_t then = state >> (2 * COUNT_BITS) & MINUTE_MASK;
	int64_t now = (int64_t)(state >> COUNT_BITS & COUNT_MASK);
	int64_t before = (int64_t)(state & COUNT_MASK);

	w->minute = minute;
	w->now = then == minute ? now : 0;
	w->before = 0;
	if (then == minute)
		w->before = before;
	else if (((then + 1) & MINUTE_MASK) == minute)
		w->before = now;
}

/* Finaliser of MurmurHash3: every input bit affects every output bit. */
static uint64_t
mix(uint64_t v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdu;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53u;
	v ^= v >> 33;
	return v;
}

/* Minutes since the last use of an entry; a free one is older than all. */
static uint64_t
age_of(const struct shm_limit_entry *e, uint64_t minute)
{
	if (get(&e->who) == 0)
		return UINT64_MAX;
	return (minute - (get(&e->state) >> (2 * COUNT_BITS))) & MINUTE_MASK;
}

/*
 * The entry of `who`. Two processes that add the same one concurrently choose
 * the same entry, so that one of them finds it and uses it.
 */
static struct shm_limit_entry *
find(
    struct shm_limit_entry *table, uint64_t size, uint64_t who, uint64_t minute)
{
	struct shm_limit_entry *e, *oldest;
	uint64_t first = mix(who) % size, taken, i;

	for (;;) {
		oldest = NULL;
		for (i = 0; i < SHM_NEIGHBOURS; i++) {
			e = &table[(first + i) % size];
			if (get(&e->who) == who)
				return e;
			if (!oldest ||
			    age_of(e, minute) > age_of(oldest, minute))
				oldest = e;
		}
		taken = get(&oldest->who);
		if (!atomic_compare_exchange_strong(&oldest->who, &taken, who))
			continue;
		set(&oldest->state, 0);
		return oldest;
	}
}

/* Seconds until one more fits, for an event at `past` into the minute. */
static int
wait_for(const struct window *w, int64_t per_minute, int64_t past)
{
	int64_t room = per_minute - 1 - w->now, us;

	if (room >= 0) {
		/* before * (MINUTE - t) / MINUTE <= room */
		us = MINUTE_US - room * MINUTE_US / w->before - past;
	} else {
		/* in the next minute, whose previous minute is `now` */
		us = MINUTE_US - past;
		us += MINUTE_US - (per_minute - 1) * MINUTE_US / w->now;
	}
	us = (us + SECOND_US - 1) / SECOND_US;
	return us < 1 ? 1 : (int)us;
}

static bool
is_lasting(const struct shm *s, int limit_class)
{
	return s->lasting && s->lasting_classes & 1u << limit_class;
}

int
shm_limit_at(struct shm *s, int limit_class, uint64_t who, unsigned per_minute,
    int64_t now_us)
{
	uint64_t minute = (uint64_t)(now_us / MINUTE_US) & MINUTE_MASK;
	int64_t past = now_us % MINUTE_US;
	struct shm_limit_entry *e;
	struct window w;
	uint64_t old;

	assert(limit_class >= 0 && limit_class < SHM_CLASSES);
	if (per_minute == 0)
		return 0;
	who = mix(who + mix((uint64_t)limit_class + 1)) | 1;
	e = is_lasting(s, limit_class) ?
		find(s->lasting->entry, SHM_LASTING, who, minute) :
		find(s->map->limit, SHM_LIMITS, who, minute);
	old = get(&e->state);
	do {
		unpack(old, minute, &w);
		if (w.now + 1 +
			(w.before * (MINUTE_US - past) + MINUTE_US - 1) /
			    MINUTE_US >
		    (int64_t)per_minute) {
			add(&s->map->refused[limit_class], 1);
			return wait_for(&w, per_minute, past);
		}
		w.now++;
	} while (!atomic_compare_exchange_weak(&e->state, &old, pack(&w)));
	return 0;
}

int
shm_limit(struct shm *s, int limit_class, uint64_t who, unsigned per_minute)
{
	/* the steady clock starts anew when the machine does */
	int64_t now =
	    is_lasting(s, limit_class) ? clock_now_us() : clock_steady_us();

	return shm_limit_at(s, limit_class, who, per_minute, now);
}

/* Maps the file, which is made if it is missing or of another release. */
static struct shm_limits *
map_limits(const char *path)
{
	static const char magic[8] = { 'm', 'x', 'm', '-', 'l', 'i', 'm', '1' };
	int fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct shm_limits *map = MAP_FAILED;
	struct stat st;
	int error;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	error = st.st_size == (off_t)sizeof *map ? 0 : -1;
	if (error && ftruncate(fd, 0) == 0)
		error = posix_fallocate(fd, 0, (off_t)sizeof *map);
	if (error == 0)
		map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	error = error > 0 ? error : errno;
	close(fd);
	errno = error;
	if (map == MAP_FAILED)
		return NULL;
	if (memcmp(map->magic, magic, sizeof magic) != 0 ||
	    map->size != sizeof *map) {
		memset(map, 0, sizeof *map);
		map->size = sizeof *map;
		memcpy(map->magic, magic, sizeof magic);
	}
	return map;
}

bool
shm_limits_open(struct shm *s, const char *path, unsigned classes)
{
	assert(!s->lasting);
	s->lasting_classes = classes;
	s->lasting = map_limits(path);
	return s->lasting != NULL;
}
