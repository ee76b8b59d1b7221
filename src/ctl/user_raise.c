/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mxmctl user changes is raised as in a worker, before the command
 * returns: a locked account must not be served from the cache until mxm-jobs
 * has read table touch. The rows remain for mxm-jobs, which raises them again.
 */
#include "base/base.h"

#include "base/conf.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "ctl/user.h"
#include "db/query.h"

/* rows is NULL if they are too many to be reported; mxm-jobs raises those. */
static void
raise_rows(void *arg, const struct db_touch *rows, size_t n)
{
	struct cache *cache = arg;
	struct cache_key *keys = mem_array(cache, struct cache_key, n + 1);
	bool *raised = mem_array(cache, bool, n + 1);

	for (size_t i = 0; rows && i < n; i++)
		key_generation(cache, &keys[i], rows[i].kind, rows[i].key);
	if (rows)
		(void)generation_raise_many(cache, keys, raised, n);
	talloc_free(raised);
	talloc_free(keys);
}

enum err
user_raise_touched(struct ctl *ctl, struct db *db)
{
	struct cache *cache;
	struct row row;
	enum err e;

	e = query_one(ctl->mem, db, &row, SQL_incarnation, NO_ARGS);
	if (e)
		return e;
	cache = cache_new(ctl->mem, ctl->conf->cache_servers);
	cache_set_incarnation(cache, (uint64_t)row_id(&row, "incarnation"));
	db_on_touched(db, raise_rows, cache);
	return ERR_OK;
}
