/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The export of all that is stored about the caller: requested and downloaded
 * here, built by mxm-jobs (jobs/archive.h).
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

#define RETRY "5" /* seconds */

static enum err
reply_pending(struct req *r)
{
	reply_header(r, "Retry-After", RETRY);
	return reply_text(
	    r, 202, "status", msg_text(r->lang, MSG_EXPORT_PENDING));
}

/* A new archive. */
enum err
export_start(struct req *r)
{
	struct row row;
	enum err e;

	e = run_one(r, SQL_export_start, &row);
	return e ? e : reply_pending(r);
}

/* The archive; without one it is started as above. */
enum err
export_get(struct req *r)
{
	struct row row;
	const void *archive;
	size_t n;
	enum err e;

	e = run_one(r, SQL_export_get, &row);
	if (e)
		return e;
	archive = row_bytes(r->mem, &row, "archive", &n);
	if (!archive)
		return reply_pending(r);
	reply_header(r, "Content-Disposition",
	    "attachment; filename=\"moviesxmovies-export.zip\"");
	r->answer.cache_control = "private, no-store";
	return reply_bytes(r, "application/zip", archive, n);
}
