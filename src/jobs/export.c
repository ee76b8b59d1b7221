/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job export: builds the archive that a user has requested. The limits bound
 * the memory of the job and the size of the download; mxmctl user export has
 * none.
 */
#include "base/base.h"

#include "base/conf.h"
#include "db/query.h"
#include "jobs/archive.h"
#include "jobs/jobs.h"

#define TEXT_MAX (64 * 1024 * 1024)
#define ARCHIVE_MAX                                               \
	(16 * 1024 * 1024) /* as nginx buffers (mxm-fastcgi.conf) \
			    */

enum err
build_export(struct job *job)
{
	const struct conf *conf = job->in->conf;
	struct archive archive;
	struct row row;
	int64_t user_id;
	enum err e;

	e = query_one(
	    job->mem, job->in->db, &row, SQL_export_user, arg_id(job->id));
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e)
		return e;
	user_id = row_id(&row, "user_id");
	e = archive_make(job->mem, job->in->db, user_id, conf->media_root,
	    TEXT_MAX, NULL, &archive);
	if (e == ERR_TOO_LARGE || (!e && archive.len > ARCHIVE_MAX)) {
		job->why = "the archive is too large: use mxmctl user export";
		return ERR_INVALID;
	}
	if (e)
		return e;
	return query_exec(job->mem, job->in->db, NULL, SQL_export_store,
	    arg_id(user_id), arg_bytes(archive.data, archive.len),
	    arg_id(conf->export_lifetime));
}
