/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job prune_accounts: deletes old accounts whose mail address was not
 * confirmed, with their pictures, and pictures without an account, which a
 * crash between storing a picture and its row leaves.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "api/upload.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define FOLDER     "users"
#define BATCH      500            /* the LIMIT of the statement, too */
#define ORPHAN_AGE (24 * 60 * 60) /* seconds: a sign-up may be in progress */

/* Deletes the pictures in column `picture`. */
static void
remove_pictures(const struct job *job, const struct rows *rows)
{
	struct row row;

	for (int i = 0; i < rows->count; i++) {
		rows_at(rows, i, &row);
		if (upload_is_ours(row_text(&row, "picture")))
			upload_unlink(job->mem, job->in->conf->media_root,
			    row_text(&row, "picture"));
	}
}

static enum err
prune_unconfirmed(struct job *job)
{
	long all = 0;
	struct rows rows;
	enum err e;

	do {
		e = query_all(job->mem, job->in->db, &rows,
		    SQL_account_unconfirmed_delete,
		    arg_id(job->in->conf->unconfirmed_lifetime));
		if (e)
			return e;
		remove_pictures(job, &rows);
		all += rows.count;
	} while (rows.count == BATCH && !*job->in->stop);
	if (all > 0)
		log_info("pruned %ld unconfirmed accounts", all);
	return ERR_OK;
}

/* Reads up to BATCH paths of old pictures; returns their number. */
static size_t
next_pictures(
    TALLOC_CTX *mem, DIR *dir, const char *paths[BATCH], time_t before)
{
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	while (n < BATCH && (entry = readdir(dir)) != NULL) {
		char *path = mem_printf(mem, FOLDER "/%s", entry->d_name);

		if (upload_is_ours(path) &&
		    fstatat(dirfd(dir), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < before)
			paths[n++] = path;
	}
	return n;
}

static enum err
prune_orphans(struct job *job)
{
	const char *root = job->in->conf->media_root, *paths[BATCH];
	DIR *dir = opendir(mem_printf(job->mem, "%s/" FOLDER, root));
	struct rows rows;
	enum err e = ERR_OK;
	size_t n;

	if (!dir)
		return ERR_OK; /* the directory does not exist before the first
				  picture */
	do {
		TALLOC_CTX *mem = mem_need(talloc_new(job->mem));

		n = next_pictures(mem, dir, paths, time(NULL) - ORPHAN_AGE);
		if (n > 0)
			e = query_all(mem, job->in->db, &rows,
			    SQL_account_pictures_unused,
			    arg_text_array(paths, n));
		if (!e && n > 0) {
			remove_pictures(job, &rows);
			if (rows.count > 0)
				log_info(
				    "removed %d pictures without an account",
				    rows.count);
		}
		talloc_free(mem);
	} while (!e && n == BATCH && !*job->in->stop);
	closedir(dir);
	return e;
}

enum err
prune_accounts(struct job *job)
{
	enum err e = prune_unconfirmed(job);

	return e ? e : prune_orphans(job);
}
