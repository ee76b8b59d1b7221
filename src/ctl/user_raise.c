/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mxmctl user changes is raised as in a worker, before the command
 * returns: a locked account must not be served from the cache until mxm-jobs
 * has read table touch. The rows remain for mxm-jobs, which raises them again.
 */
#include "base/base.h"

#include "api/serve.h"
#include "api/touch.h"
#include "base/conf.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "ctl/user.h"
#include "db/query.h"

enum err
user_raise_touched(struct ctl *ctl, struct db *db)
{
	struct serve *serve = mem_new(ctl->mem, struct serve);
	struct row row;
	enum err e;

	e = query_one(ctl->mem, db, &row, SQL_incarnation, NO_ARGS);
	if (e)
		return e;
	serve->cache = cache_new(ctl->mem, ctl->conf->cache_servers);
	cache_set_incarnation(
	    serve->cache, (uint64_t)row_id(&row, "incarnation"));
	db_on_touched(db, touch_raise, serve);
	return ERR_OK;
}
