/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job prune: deletes expired rows, in batches, so that locks are short.
 */
#include "base/base.h"

#include "base/conf.h"
#include "base/log.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define BATCH 1000 /* the LIMIT of the statements */

static const struct {
	const char *what;
	enum stmt statement;
} expired[] = {
	{ "codes", SQL_prune_codes },
	{ "exports", SQL_prune_exports },
	{ "jobs", SQL_prune_jobs },
	{ "requests for a password", SQL_prune_password_requests },
	{ "sessions", SQL_prune_sessions },
};

/* These have settings for their age. Tombstones: until no user has more. */
static enum err
prune_changes(struct job *job)
{
	long n;
	enum err e;

	do {
		e = query_exec(job->mem, job->in->db, &n, SQL_prune_changes,
		    arg_id(job->in->conf->changes_lifetime));
	} while (!e && n > 0 && !*job->in->stop);
	return e;
}

static enum err
prune_audit(struct job *job)
{
	long n;
	enum err e;

	do {
		e = query_exec(job->mem, job->in->db, &n, SQL_prune_audit,
		    arg_id(job->in->conf->audit_lifetime));
	} while (!e && n >= BATCH && !*job->in->stop);
	return e;
}

static enum err
prune_translations(struct job *job)
{
	return query_exec(job->mem, job->in->db, NULL, SQL_prune_translations,
	    arg_id(job->in->conf->translate_lifetime));
}

enum err
prune(struct job *job)
{
	size_t i;
	enum err e;

	for (i = 0; i < array_len(expired); i++) {
		long n, all = 0;

		do {
			e = query_exec(job->mem, job->in->db, &n,
			    expired[i].statement, NO_ARGS);
			if (e)
				return e;
			all += n;
		} while (n >= BATCH && !*job->in->stop);
		if (all > 0)
			log_info("pruned %ld expired %s", all, expired[i].what);
	}
	e = prune_changes(job);
	if (!e)
		e = prune_audit(job);
	if (!e)
		e = prune_translations(job);
	if (!e)
		e = query_exec(job->mem, job->in->db, NULL, SQL_prune_histories,
		    arg_id(job->in->conf->import_lifetime));
	return e;
}
