/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raises generations. If memcached is unavailable, readers on this host bypass
 * the answer cache until mxm-jobs has raised what is in table touch.
 */
#include "base/base.h"

#include "api/serve.h"
#include "api/touch.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "cache/key.h"

void
touch_raise(void *arg, const char *kind, const char *key)
{
	const struct serve *serve = arg;
	struct cache_key generation;

	if (kind) {
		key_generation(serve->cache, &generation, kind, key);
		if (generation_raise(serve->cache, &generation))
			return;
	}
	if (serve->shm)
		shm_raise_failed(serve->shm);
}
