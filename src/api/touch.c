/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raises generations. If memcached is unavailable, readers on this host bypass
 * the answer cache until mxm-jobs has raised what is in table touch.
 */
#include "base/base.h"

#include "api/serve.h"
#include "api/touch.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "cache/key.h"

void
touch_raise(void *arg, const struct db_touch *rows, size_t n)
{
	const struct serve *serve = arg;
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct cache_key *keys = mem_array(mem, struct cache_key, n);
	bool *raised = mem_array(mem, bool, n);

	for (size_t i = 0; rows && i < n; i++)
		key_generation(
		    serve->cache, &keys[i], rows[i].kind, rows[i].key);
	if ((!rows || !generation_raise_many(serve->cache, keys, raised, n)) &&
	    serve->shm)
		shm_raise_failed(serve->shm);
	talloc_free(mem);
}
