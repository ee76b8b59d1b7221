/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job prune_accounts: deletes old accounts whose mail address was not
 * confirmed, and pictures that nothing has: of deleted accounts and things,
 * replaced ones, and those that a crash between storing a picture and its row
 * leaves.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/upload.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define BATCH      500       /* the LIMIT of the statement, too */
#define ORPHAN_AGE (60 * 60) /* seconds: its row may not be written yet */

/* The pictures of the accounts are left to prune_orphans(): others may have
 * them, too. */
static enum err
prune_unconfirmed(struct job *job)
{
	long n, all = 0;
	enum err e;

	do {
		e = query_exec(job->mem, job->in->db, &n,
		    SQL_account_unconfirmed_delete,
		    arg_id(job->in->conf->unconfirmed_lifetime));
		if (e)
			return e;
		all += n;
	} while (n == BATCH && !*job->in->stop);
	if (all > 0)
		log_info("pruned %ld unconfirmed account%s", all, PLURAL(all));
	return ERR_OK;
}

/* In the folder of pictures. */
static bool
is_old(DIR *dir, const char *name)
{
	struct stat st;

	return fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_mtime < time(NULL) - ORPHAN_AGE;
}

/* Whether it is a file that was not completed (base/file.h). */
static bool
is_part(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' && n > 5 && strcmp(name + n - 5, ".part") == 0;
}

/*
 * Reads up to BATCH paths of old pictures and removes old parts; returns the
 * number of pictures.
 */
static size_t
next_pictures(
    TALLOC_CTX *mem, const char *folder, DIR *dir, const char *paths[BATCH])
{
	struct dirent *entry;
	size_t n = 0;

	while (n < BATCH && (entry = readdir(dir)) != NULL) {
		char *path = mem_printf(mem, "%s/%s", folder, entry->d_name);

		if (is_part(entry->d_name) && is_old(dir, entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
		else if (upload_is_ours(path) && is_old(dir, entry->d_name))
			paths[n++] = path;
	}
	return n;
}

/*
 * Removes those of the pictures that nothing has, under the lock: what is
 * uploaded again at this moment has a row afterwards, or a new time.
 */
static enum err
remove_unused(
    struct job *job, const char *folder, DIR *dir, const char **paths, size_t n)
{
	TALLOC_CTX *mem = mem_need(talloc_new(job->mem));
	const char *root = job->in->conf->media_root;
	int lock = upload_lock(mem, root, folder);
	struct rows rows = { 0 };
	struct row row;
	enum err e;

	if (lock < 0)
		return ERR_UNAVAILABLE;
	e = query_all(mem, job->in->db, &rows, SQL_pictures_unused,
	    arg_text_array(paths, n));
	for (int i = 0; !e && i < rows.count; i++) {
		const char *path;

		rows_at(&rows, i, &row);
		path = row_text(&row, "picture");
		if (is_old(dir, path + strlen(folder) + 1))
			upload_unlink(mem, root, path);
	}
	close(lock);
	if (!e && rows.count > 0)
		log_info("removed %d unused picture%s", rows.count,
		    PLURAL(rows.count));
	talloc_free(mem);
	return e;
}

static enum err
prune_orphans(struct job *job, const char *folder)
{
	const char *root = job->in->conf->media_root, *paths[BATCH];
	DIR *dir = opendir(mem_printf(job->mem, "%s/%s", root, folder));
	enum err e = ERR_OK;
	size_t n;

	if (!dir)
		return ERR_OK; /* the directory does not exist before the first
				  picture */
	do {
		TALLOC_CTX *mem = mem_need(talloc_new(job->mem));

		n = next_pictures(mem, folder, dir, paths);
		if (n > 0)
			e = remove_unused(job, folder, dir, paths, n);
		talloc_free(mem);
	} while (!e && n == BATCH && !*job->in->stop);
	closedir(dir);
	return e;
}

enum err
prune_accounts(struct job *job)
{
	static const char *const folders[] = { "users", "movies", "persons",
		"platforms", "awards" };
	enum err e = prune_unconfirmed(job);
	struct row row;

	if (!e)
		e = query_one(
		    job->mem, job->in->db, &row, SQL_site_is_empty, NO_ARGS);
	if (e || row_bool(&row, "is_empty"))
		return e; /* a move: the pictures may come before the rows */
	for (size_t i = 0; !e && i < array_len(folders); i++)
		e = prune_orphans(job, folders[i]);
	return e;
}
