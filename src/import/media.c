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

#define DEPTH_MAX 8
#define CHUNK     ((size_t)64 * 1024)

/*
 * nginx must be able to read new files, independent of the umask. Not with
 * chmod(), which clears the set-group-ID bit of a directory of another group.
 */
#define MASK 022

struct job {
	TALLOC_CTX *mem;
	struct stat owner; /* of the target */
	struct media_copy *out;
	const struct media_list *list;
};

static bool
fail(struct job *job, const char *what, const char *name)
{
	job->out->why =
	    mem_printf(job->mem, "%s %s: %s", what, name, strerror(errno));
	return false;
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
copy_bytes(int from, int to)
{
	static char chunk[CHUNK];
	ssize_t n;

	while ((n = read(from, chunk, sizeof chunk)) > 0)
		if (!file_write_all(to, chunk, (size_t)n))
			return false;
	return n == 0;
}

/*
 * Under a temporary name first. Not file_new(): the folders are descriptors,
 * and thousands of files are not worth a sync each, since the copy can be
 * repeated.
 */
static bool
copy_file(struct job *job, int from_dir, int to_dir, const char *name)
{
	const char *part = mem_printf(job->mem, ".%s.part", name);
	int from, to;
	bool good;

	if (faccessat(to_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		job->out->there++;
		return true;
	}
	from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return fail(job, "cannot read", name);
	(void)unlinkat(to_dir, part, 0);
	to = openat(to_dir, part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	good = to >= 0 && copy_bytes(from, to) && give_away(job, to);
	if (to >= 0 && close(to) != 0)
		good = false;
	if (good)
		good = renameat(to_dir, part, to_dir, name) == 0;
	if (!good) {
		fail(job, "cannot write", name);
		(void)unlinkat(to_dir, part, 0);
	} else
		job->out->copied++;
	close(from);
	return good;
}

static int
open_target(struct job *job, int to_dir, const char *name)
{
	int fd;

	if (mkdirat(to_dir, name, 0755) != 0 && errno != EEXIST)
		return -1;
	fd = openat(
	    to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !give_away(job, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens a subdirectory of both; creates it in the target. */
static bool
open_pair(struct job *job, int from_dir, int to_dir, const char *name,
    int *from, int *to)
{
	*from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*from < 0)
		return fail(job, "cannot open", name);
	*to = open_target(job, to_dir, name);
	if (*to >= 0)
		return true;
	fail(job, "cannot make", name);
	close(*from);
	return false;
}

static bool copy_folder(struct job *job, int from_dir, int to_dir, int depth);

static bool
copy_entry(
    struct job *job, int from_dir, int to_dir, const char *name, int depth)
{
	struct stat st;
	int from, to;
	bool good;

	if (fstatat(from_dir, name, &st, 0) != 0)
		return fail(job, "cannot stat", name);
	if (!is_plain_name(name) || depth == DEPTH_MAX) {
		errno = EINVAL;
		return fail(job, "will not copy", name);
	}
	if (S_ISREG(st.st_mode))
		return copy_file(job, from_dir, to_dir, name);
	if (!S_ISDIR(st.st_mode))
		return true;
	if (!open_pair(job, from_dir, to_dir, name, &from, &to))
		return false;
	good = copy_folder(job, from, to, depth + 1);
	close(to);
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

/* Opens the two directories; false: out->why is set. */
static bool
open_both(struct job *job, const char *from, const char *to, int *from_dir,
    int *to_dir)
{
	*from_dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*from_dir < 0)
		return fail(job, "cannot open", from);
	*to_dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*to_dir >= 0 && fstat(*to_dir, &job->owner) == 0)
		return true;
	fail(job, "cannot open media_root", to);
	if (*to_dir >= 0)
		close(*to_dir);
	close(*from_dir);
	return false;
}

/* Copies a file by its path; creates its directories. */
static bool
copy_path(struct job *job, int from_dir, int to_dir, const char *path)
{
	const char *slash = strchr(path, '/');
	char *name;
	int from, to;
	bool good;

	if (!slash)
		return copy_file(job, from_dir, to_dir, path);
	name = mem_textn(job->mem, path, (size_t)(slash - path));
	if (!open_pair(job, from_dir, to_dir, name, &from, &to))
		return false;
	good = copy_path(job, from, to, slash + 1);
	close(to);
	close(from);
	return good;
}

/* Which pictures of `from` are copied. Closes from_dir. */
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

	for (size_t i = 0; good && media_defaults[i]; i++)
		good = copy_path(job, from_dir, to_dir, media_defaults[i]);
	close(from_dir);
	return good;
}

static bool
copy_listed(struct job *job, int from_dir, int to_dir)
{
	const struct media_list *list = job->list;
	struct stat st;
	bool good = true;

	for (size_t i = 0; good && i < list->n; i++) {
		if (fstatat(from_dir, list->paths[i], &st, 0) != 0 ||
		    !S_ISREG(st.st_mode))
			list->missing(list->arg, i);
		else if (!list->dry_run)
			good = copy_path(job, from_dir, to_dir, list->paths[i]);
	}
	close(from_dir);
	return good;
}

static bool
run_job(struct job *job, const char *from, const char *to, copy_from *copy)
{
	int from_dir, to_dir;
	mode_t mask;
	bool good;

	if (!open_both(job, from, to, &from_dir, &to_dir))
		return false;
	mask = umask(MASK);
	good = copy(job, from_dir, to_dir);
	(void)umask(mask);
	close(to_dir);
	return good;
}

bool
media_copy(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out)
{
	struct job job = { .mem = mem, .out = out };

	memset(out, 0, sizeof *out);
	if (access(from, F_OK) != 0 && errno == ENOENT)
		return true;
	return run_job(&job, from, to, copy_all);
}

bool
media_copy_defaults(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out)
{
	struct job job = { .mem = mem, .out = out };

	memset(out, 0, sizeof *out);
	return run_job(&job, from, to, copy_defaults);
}

bool
media_copy_list(TALLOC_CTX *mem, const char *from, const char *to,
    const struct media_list *list, struct media_copy *out)
{
	struct job job = { .mem = mem, .out = out, .list = list };

	memset(out, 0, sizeof *out);
	return run_job(&job, from, to, copy_listed);
}
