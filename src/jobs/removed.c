/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job prune_removed: deletes accounts that their owners removed a while ago.
 * Their pictures are then those of no account (job prune_accounts).
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define TIME_US    INT64_C(30000000) /* the rest is deleted by the next job */
#define TIMEOUT_MS 60000 /* of one account, whatever it has written */

enum err
prune_removed(struct job *job)
{
	const struct conf *conf = job->in->conf;
	struct db *db = db_new(job->mem, conf->database, TIMEOUT_MS);
	int64_t until = clock_steady_us() + TIME_US;
	long all = 0, n;
	enum err e;

	do {
		e = query_exec(job->mem, db, &n, SQL_account_removed_delete,
		    arg_id(conf->removal_delay));
		if (e)
			return e;
		all += n;
	} while (n > 0 && !*job->in->stop && clock_steady_us() < until);
	if (all > 0)
		log_info("deleted %ld removed account%s", all, PLURAL(all));
	return ERR_OK;
}
