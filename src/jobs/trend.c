/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job trend: computes which movies are trending.
 */
#include "base/base.h"

#include "base/conf.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define TIMEOUT_MS 60000 /* a million movies take some seconds */

enum err
trend(struct job *job)
{
	struct db *db = db_new(job->mem, job->in->conf->database, TIMEOUT_MS);

	return query_exec(job->mem, db, NULL, SQL_trend_compute, NO_ARGS);
}
