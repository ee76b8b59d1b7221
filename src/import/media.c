/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uses directory descriptors, because the target may belong to a less
 * privileged account than the one that copies.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "import/media.h"
#include "import/progress.h"

#define DEPTH_MAX 8
#define CHUNK     ((size_t)64 * 1024)

/* Links could lead out of the directory, to any file that root may read. */
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/*
 * nginx must be able to read new files, independent of the umask. Not with
 * chmod(), which clears the set-group-ID bit of a directory of another group.
 */
#define MASK 022

struct job {
	TALLOC_CTX *mem;
	struct stat owner; /* of the target */
	struct media_copy *copy;
	const struct media_list *list;
	int64_t done; /* pictures */
};

static bool
fail(struct job *job, const char *what, const char *name)
{
	job->copy->why =
	    mem_printf(job->mem, "%s %s: %s", what, name, strerror(errno));
	return false;
}

/* Shows the progress; false: a signal was received. */
static bool
go_on(const struct job *job)
{
	if (job->copy->stop && *job->copy->stop) {
		errno = EINTR;
		return false;
	}
	if (job->copy->progress)
		progress_at(job->copy->progress, job->done);
	return true;
}

/* Files created by root get the owner of the target. */
static bool
give_away(const struct job *job, int fd)
{
	return geteuid() != 0 ||
	       fchown(fd, job->owner.st_uid, job->owner.st_gid) == 0;
}

static bool
is_plain_name(const char *name)
{
	return name[0] != '.' &&
	       name[strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-")] == '\0';
}

static bool
copy_bytes(const struct job *job, int from, int to)
{
	static char chunk[CHUNK];
	ssize_t n;

	while (go_on(job)) {
		n = read(from, chunk, sizeof chunk);
		if (n <= 0)
			return n == 0;
		if (!file_write_all(to, chunk, (size_t)n))
			return false;
	}
	return false;
}

/*
 * Copies an open file, under a temporary name first. Not file_new(): the
 * folders are descriptors, and thousands of files are not worth a sync each,
 * since the copy can be repeated.
 */
static bool
copy_file(struct job *job, int from, int to_dir, const char *name)
{
	const char *part = mem_printf(job->mem, ".%s.part", name);
	bool good;
	int to;

	job->done++;
	if (faccessat(to_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		job->copy->there++;
		return true;
	}
	(void)unlinkat(to_dir, part, 0);
	to = openat(to_dir, part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	good = to >= 0 && copy_bytes(job, from, to) && give_away(job, to);
	if (!good)
		fail(job, "cannot write", name);
	if (to >= 0 && close(to) != 0 && good)
		good = fail(job, "cannot write", name);
	if (good && renameat(to_dir, part, to_dir, name) != 0)
		good = fail(job, "cannot write", name);
	if (good)
		job->copy->copied++;
	else
		(void)unlinkat(to_dir, part, 0);
	return good;
}

/* Opens a regular file (else ELOOP); does not wait for the writer of a pipe. */
static int
open_file(int dir, const char *name)
{
	struct stat st;
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* The same by its path. */
static int
open_path(const struct job *job, int dir, const char *path)
{
	const char *slash = strchr(path, '/');
	int folder, fd;

	if (!slash)
		return open_file(dir, path);
	folder = openat(dir, mem_textn(job->mem, path, (size_t)(slash - path)),
	    OPEN_FOLDER);
	if (folder < 0)
		return -1;
	fd = open_path(job, folder, slash + 1);
	close(folder);
	return fd;
}

/* Opens a folder of the target; creates it. */
static int
open_target(struct job *job, int to_dir, const char *name)
{
	int fd = -1;

	if (mkdirat(to_dir, name, 0755) == 0 || errno == EEXIST)
		fd = openat(to_dir, name, OPEN_FOLDER);
	if (fd >= 0 && give_away(job, fd))
		return fd;
	fail(job, "cannot make", name);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Copies an open file to a path; creates its directories. */
static bool
copy_path(struct job *job, int from, int to_dir, const char *path)
{
	const char *slash = strchr(path, '/');
	bool good;
	int to;

	if (!slash)
		return copy_file(job, from, to_dir, path);
	to = open_target(
	    job, to_dir, mem_textn(job->mem, path, (size_t)(slash - path)));
	if (to < 0)
		return false;
	good = copy_path(job, from, to, slash + 1);
	close(to);
	return good;
}

static bool copy_folder(struct job *job, int from_dir, int to_dir, int depth);

static bool
copy_entry(
    struct job *job, int from_dir, int to_dir, const char *name, int depth)
{
	struct stat st;
	bool good;
	int from, to;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(job, "cannot stat", name);
	if (!is_plain_name(name) || depth == DEPTH_MAX) {
		errno = EINVAL;
		return fail(job, "will not copy", name);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return true;
	from = S_ISREG(st.st_mode) ? open_file(from_dir, name) :
				     openat(from_dir, name, OPEN_FOLDER);
	if (from < 0)
		return fail(job, "cannot read", name);
	if (S_ISREG(st.st_mode)) {
		good = copy_file(job, from, to_dir, name);
		close(from);
		return good;
	}
	to = open_target(job, to_dir, name);
	good = to >= 0 && copy_folder(job, from, to, depth + 1);
	close(to >= 0 ? to : from);
	return good;
}

/* Always closes from_dir. */
static bool
copy_folder(struct job *job, int from_dir, int to_dir, int depth)
{
	DIR *dir = fdopendir(from_dir);
	struct dirent *entry;
	bool good = true;

	mem_need(dir);
	while (good && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			good = copy_entry(
			    job, from_dir, to_dir, entry->d_name, depth);
	}
	closedir(dir);
	return good;
}

const char *const media_defaults[] = {
	"awards/no-award.png",
	"movies/covers/no-movie.png",
	"person/default.png",
	"users/default.png",
	NULL,
};

/* Opens the two directories; false: why is set. */
static bool
open_both(struct job *job, int *from_dir, int *to_dir)
{
	const struct media_copy *copy = job->copy;

	*from_dir = open(copy->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*from_dir < 0)
		return fail(job, "cannot open", copy->from);
	*to_dir = open(copy->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*to_dir >= 0 && fstat(*to_dir, &job->owner) == 0)
		return true;
	fail(job, "cannot open media_root", copy->to);
	if (*to_dir >= 0)
		close(*to_dir);
	close(*from_dir);
	return false;
}

/* Which pictures are copied. Closes from_dir. */
typedef bool copy_from(struct job *job, int from_dir, int to_dir);

static bool
copy_all(struct job *job, int from_dir, int to_dir)
{
	return copy_folder(job, from_dir, to_dir, 0);
}

static bool
copy_defaults(struct job *job, int from_dir, int to_dir)
{
	bool good = true;

	for (size_t i = 0; good && media_defaults[i]; i++) {
		int from = open_path(job, from_dir, media_defaults[i]);

		if (from < 0)
			good = fail(job, "cannot read", media_defaults[i]);
		else {
			good = copy_path(job, from, to_dir, media_defaults[i]);
			close(from);
		}
	}
	close(from_dir);
	return good;
}

static bool
copy_listed(struct job *job, int from_dir, int to_dir)
{
	const struct media_list *list = job->list;
	bool good = true;

	for (size_t i = 0; good && i < list->n; i++) {
		int from = open_path(job, from_dir, list->paths[i]);

		if (from < 0)
			list->missing(list->arg, i, errno);
		else if (!list->dry_run)
			good = copy_path(job, from, to_dir, list->paths[i]);
		else if (faccessat(to_dir, list->paths[i], F_OK,
			     AT_SYMLINK_NOFOLLOW) == 0)
			job->copy->there++;
		else
			job->copy->copied++;
		if (from >= 0)
			close(from);
		job->done = (int64_t)i + 1;
		if (good && !go_on(job))
			good = fail(job, "stopped after", list->paths[i]);
	}
	close(from_dir);
	return good;
}

static bool
run_job(struct job *job, copy_from *copy, int64_t total)
{
	struct progress *progress = job->copy->progress;
	int from_dir, to_dir;
	mode_t mask;
	bool good;

	job->copy->copied = job->copy->there = 0;
	if (!open_both(job, &from_dir, &to_dir))
		return false;
	if (progress)
		progress_begin(progress, "copying pictures", total);
	mask = umask(MASK);
	good = copy(job, from_dir, to_dir);
	(void)umask(mask);
	close(to_dir);
	if (progress && good)
		progress_end(progress);
	return good;
}

bool
media_copy(TALLOC_CTX *mem, struct media_copy *copy)
{
	struct job job = { .mem = mem, .copy = copy };

	if (access(copy->from, F_OK) != 0 && errno == ENOENT)
		return true;
	return run_job(&job, copy_all, 0);
}

bool
media_copy_defaults(TALLOC_CTX *mem, struct media_copy *copy)
{
	struct job job = { .mem = mem, .copy = copy };

	return run_job(&job, copy_defaults, 0);
}

bool
media_copy_list(
    TALLOC_CTX *mem, struct media_copy *copy, const struct media_list *list)
{
	struct job job = { .mem = mem, .copy = copy, .list = list };

	return run_job(&job, copy_listed, (int64_t)list->n);
}
