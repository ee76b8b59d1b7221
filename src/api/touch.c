/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raising generations after a commit. When memcached cannot be told, readers on
 * this host pass the answer cache by until mxm-jobs has raised what the writing
 * statement left in table touch.
 */
#include "base/base.h"

#include "api/depends.h"
#include "api/touch.h"
#include "auth/account.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "http/route.h"

void
also_touch(struct req *r, const char *kind, const char *key)
{
	assert(r->n_touched < (int)array_len(r->touched));
	r->touched[r->n_touched].kind = kind;
	r->touched[r->n_touched].key = key;
	r->n_touched++;
}

static bool
raise_one(struct req *r, const char *kind, const char *key)
{
	struct cache_key generation;

	key_generation(r->cache, &generation, kind, key);
	return generation_raise(r->cache, &generation);
}

void
touch_raise(struct req *r)
{
	struct dependence on[DEPENDS_MAX];
	size_t n, i;
	bool told = true;
	int k;

	n = depends_list(
	    r, r->route->touches, r->account ? r->account->id : 0, on);
	for (i = 0; i < n; i++)
		told &= raise_one(r, on[i].kind, on[i].key);
	for (k = 0; k < r->n_touched; k++)
		told &= raise_one(r, r->touched[k].kind, r->touched[k].key);
	if (!told && r->shm)
		shm_raise_failed(r->shm);
}
