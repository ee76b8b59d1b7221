/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raises generations. If memcached is unavailable, readers on this host bypass
 * the answer cache until mxm-jobs has raised what is in table touch.
 */
#include "base/base.h"

#include <time.h>

#include "api/serve.h"
#include "api/touch.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "db/query.h"
#include "http/request.h"

#define AWAIT_US       INT64_C(100000)
#define AWAIT_STEP_NS  5000000
#define AWAIT_AGAIN_US INT64_C(5000000)

void
touch_raise(void *arg, const struct db_touch *rows, size_t n)
{
	struct serve *serve = arg;
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct cache_key *keys = mem_array(mem, struct cache_key, 2 * n);
	bool *raised = mem_array(mem, bool, 2 * n);
	struct cache *cache = serve->cache;
	size_t k = 0;

	for (size_t i = 0; rows && i < n; i++) {
		key_generation(cache, &keys[k++], rows[i].kind, rows[i].key);
		k += key_former_generation(
		    cache, &keys[k], rows[i].kind, rows[i].key);
	}
	if (!rows || !generation_raise_many(cache, keys, raised, k)) {
		serve->unraised = true;
		if (serve->shm)
			shm_raise_failed(serve->shm);
	}
	talloc_free(mem);
}

void
touch_prepare(struct serve *serve, struct req *r)
{
	unsigned count = db_connections(r->db);
	uint64_t incarnation;
	struct row row;

	if (!r->shm || count == serve->connections ||
	    query_one(r->mem, r->db, &row, SQL_incarnation, NO_ARGS))
		return;
	serve->connections = count;
	incarnation = (uint64_t)row_id(&row, "incarnation");
	shm_set_incarnation(r->shm, incarnation);
	cache_set_incarnation(r->cache, incarnation);
}

/* Whether the rows up to the newest one are gone, or that is unknown. */
static bool
is_raised(struct req *r, int64_t newest)
{
	struct row row;

	return query_one(r->mem, r->db, &row, SQL_touch_left, arg_id(newest)) ||
	       !row_bool(&row, "is_left");
}

void
touch_await(struct serve *serve, struct req *r)
{
	const struct timespec pause = { .tv_nsec = AWAIT_STEP_NS };
	int64_t until = clock_steady_us() + AWAIT_US, newest;
	struct row row;

	serve->unraised = false;
	if (query_one(r->mem, r->db, &row, SQL_touch_wake, NO_ARGS))
		return;
	newest = row_id(&row, "newest");
	while (clock_steady_us() >= serve->await_from_us &&
	       !is_raised(r, newest)) {
		(void)nanosleep(&pause, NULL);
		if (clock_steady_us() >= until)
			serve->await_from_us = until + AWAIT_AGAIN_US;
	}
}
