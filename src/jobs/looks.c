/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job set_looks: computes the digests by which user names that look the same
 * are recognised, for accounts that were imported or are older than the column.
 */
#include "base/base.h"

#include <sodium.h>

#include "auth/identity.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define BATCH 500 /* the LIMIT of the statement, too */

/* One batch; *n is its size. */
static enum err
set_batch(struct job *job, TALLOC_CTX *mem, int *n)
{
	const char *looks[BATCH];
	int64_t ids[BATCH];
	struct rows rows;
	enum err e;

	e = query_all(
	    mem, job->in->db, &rows, SQL_account_without_look, NO_ARGS);
	if (e)
		return e;
	*n = rows.count;
	for (int i = 0; i < rows.count; i++) {
		unsigned char look[IDENTITY_LOOK_SIZE];
		char hex[2 * sizeof look + 1];
		struct row row;

		rows_at(&rows, i, &row);
		identity_look(row_text(&row, "username"), look);
		sodium_bin2hex(hex, sizeof hex, look, sizeof look);
		ids[i] = row_id(&row, "id");
		looks[i] = mem_text(mem, hex);
	}
	if (rows.count == 0)
		return ERR_OK;
	return query_exec(mem, job->in->db, NULL, SQL_account_set_looks,
	    arg_int_array(ids, (size_t)rows.count),
	    arg_text_array(looks, (size_t)rows.count));
}

enum err
set_looks(struct job *job)
{
	int64_t all = 0;
	enum err e;
	int n = 0;

	do {
		TALLOC_CTX *mem = mem_need(talloc_new(job->mem));

		e = set_batch(job, mem, &n);
		talloc_free(mem);
		if (e)
			return e;
		all += n;
	} while (n == BATCH && !*job->in->stop);
	if (all > 0)
		log_info("computed the looks of %" PRId64 " user name%s", all,
		    PLURAL(all));
	return ERR_OK;
}
