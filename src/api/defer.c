/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queueing a job from a handler.
 */
#include "base/base.h"

#include "api/defer.h"
#include "db/arg.h"
#include "db/query.h"

enum err
defer_job(struct req *r, const char *name, const char *payload)
{
	return query_exec(r->mem, r->db, NULL, SQL_job_insert, arg_text(name),
	    arg_text(payload));
}
