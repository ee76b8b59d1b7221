/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job prune: what has expired goes, in bites that lock nothing for long.
 */
#include "base/base.h"

#include "base/log.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define BITE 1000 /* the LIMIT of the statements */

static const struct {
	const char *what;
	enum stmt statement;
} wastes[] = {
	{ "codes", SQL_prune_codes },
	{ "jobs", SQL_prune_jobs },
	{ "sessions", SQL_prune_sessions },
};

enum err
prune(struct job *job)
{
	size_t i;

	for (i = 0; i < array_len(wastes); i++) {
		long n, all = 0;
		enum err e;

		do {
			e = query_exec(job->mem, job->in->db, &n,
			    wastes[i].statement, NO_ARGS);
			if (e)
				return e;
			all += n;
		} while (n >= BITE && !*job->in->stop);
		if (all > 0)
			log_info("pruned %ld expired %s", all, wastes[i].what);
	}
	return ERR_OK;
}
