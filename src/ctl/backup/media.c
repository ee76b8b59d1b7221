/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of media_root, in and out of a backup. Directories are used by
 * descriptor and links are not followed: media_root may belong to a less
 * privileged user than the one who runs the command.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/backup/backup.h"

#define STAGE ".restore" /* directory in media_root */
#define MASK  022        /* the web server reads the files */

bool
backup_is_path(const char *path)
{
	size_t n = strlen(path);
	int depth = 1;

	if (n == 0 || n > BACKUP_PATH_MAX || !text_is_utf8(path, n))
		return false;
	for (const char *p = path; *p; p++) {
		bool begins = p == path || p[-1] == '/';

		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\' ||
		    (begins && (*p == '.' || *p == '/')))
			return false;
		depth += *p == '/';
	}
	return path[n - 1] != '/' && depth <= BACKUP_DEPTH_MAX;
}

/* ------------------------------------------------------------- into it */

struct walk {
	struct ctl *ctl;
	struct pack *pack;
	time_t at;
	bool since;
	struct media_count *count;
};

static int walk_folder(const struct walk *w, int fd, const char *path);

static void
skip(const struct walk *w, const char *path)
{
	if (w->count->skipped++ == 0)
		w->count->first = mem_text(w->ctl->mem,
		    backup_is_path(path) ? path : "one of an unusual name");
}

/* A file that a job has removed meanwhile is of no row of the dump. */
static int
walk_entry(const struct walk *w, int folder, const char *name, const char *path)
{
	int fd = openat(folder, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int status = EX_OK;

	if (fd < 0 && errno == ENOENT)
		return EX_OK;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return backup_fail(w->ctl, EX_NOPERM, "cannot read %s/%s: %s",
		    w->ctl->conf->media_root, path, strerror(errno));
	if (fd < 0 || fstat(fd, &st) != 0 || !backup_is_path(path) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		skip(w, path);
		if (fd >= 0)
			close(fd);
		return EX_OK;
	}
	if (S_ISDIR(st.st_mode))
		return walk_folder(w, fd, path);
	if ((st.st_ctime >= w->at) == w->since) {
		char *member = mem_printf(w->ctl->mem, BACKUP_MEDIA "%s", path);

		status =
		    pack_copy(w->pack, member, fd, st.st_size, st.st_mtime);
		talloc_free(member);
		w->count->files++;
	}
	close(fd);
	return status;
}

/* Closes fd. Hidden files are those being written. */
static int
walk_folder(const struct walk *w, int fd, const char *path)
{
	DIR *dir = mem_need(fdopendir(fd));
	struct dirent *entry;
	int status = EX_OK;

	while (status == EX_OK && (entry = readdir(dir)) != NULL) {
		char *inner;

		if (entry->d_name[0] == '.')
			continue;
		inner = mem_printf(w->ctl->mem, "%s%s%s", path,
		    *path ? "/" : "", entry->d_name);
		status = walk_entry(w, fd, entry->d_name, inner);
		talloc_free(inner);
		if (status == EX_OK)
			status = backup_stopped(w->ctl);
	}
	closedir(dir);
	return status;
}

static int
open_root(struct ctl *ctl, int *fd)
{
	*fd = open(ctl->conf->media_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return EX_OK;
	return backup_fail(ctl, errno == ENOENT ? EX_NOINPUT : EX_NOPERM,
	    "media_root: cannot open %s: %s", ctl->conf->media_root,
	    strerror(errno));
}

int
media_pack(struct ctl *ctl, struct pack *p, time_t at, bool since,
    struct media_count *out)
{
	const struct walk w = { ctl, p, at, since, out };
	int fd, status = open_root(ctl, &fd);

	return status == EX_OK ? walk_folder(&w, fd, "") : status;
}

/* ----------------------------------------------------------- out of it */

struct stage {
	struct ctl *ctl;
	int root, fd;      /* media_root, and the directory in it */
	struct stat owner; /* of media_root */
	int to;            /* the file being written, -1: none */
};

static int
failed(const struct stage *s, const char *path)
{
	return backup_fail(s->ctl, EX_IOERR, "cannot write %s/%s: %s",
	    s->ctl->conf->media_root, path, strerror(errno));
}

/* What root creates gets the owner of media_root. */
static bool
give_away(const struct stage *s, int fd)
{
	return geteuid() != 0 ||
	       fchown(fd, s->owner.st_uid, s->owner.st_gid) == 0;
}

/* Removes all in a directory, and closes it. */
static void
empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;
		int inner;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    unlinkat(fd, name, 0) == 0)
			continue;
		inner = openat(
		    fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0)
			empty(inner);
		(void)unlinkat(fd, name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static int
destroy(struct stage *s)
{
	if (s->to >= 0)
		close(s->to);
	if (s->fd >= 0) {
		empty(openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		(void)unlinkat(s->root, STAGE, AT_REMOVEDIR);
		close(s->fd);
	}
	if (s->root >= 0)
		close(s->root);
	return 0;
}

int
stage_open(struct ctl *ctl, struct stage **out)
{
	struct stage *s = mem_new(ctl->mem, struct stage);
	int status;

	s->ctl = ctl;
	s->fd = s->to = s->root = -1;
	*out = s;
	status = open_root(ctl, &s->root);
	talloc_set_destructor(s, destroy);
	if (status != EX_OK)
		return status;
	(void)umask(MASK);
	if (fstat(s->root, &s->owner) != 0 ||
	    (mkdirat(s->root, STAGE, 0700) != 0 && errno != EEXIST))
		return backup_fail(ctl, EX_CANTCREAT,
		    "media_root: cannot write to %s: %s; run the command as "
		    "root",
		    ctl->conf->media_root, strerror(errno));
	s->fd = openat(
	    s->root, STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd < 0)
		return failed(s, STAGE);
	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
		close(s->fd);
		s->fd = -1;
		return backup_fail(
		    ctl, EX_TEMPFAIL, "another restore is running");
	}
	empty(openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return EX_OK;
}

/*
 * Opens the directory of a path below `from`, creating what is missing; *name
 * is the last component. -1: errno has the reason.
 */
static int
open_folder(
    const struct stage *s, int from, const char *path, const char **name)
{
	int fd = dup(from);
	const char *slash;

	while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
		char *part =
		    mem_textn(s->ctl->mem, path, (size_t)(slash - path));
		bool made = mkdirat(fd, part, 0755) == 0;
		int next = openat(
		    fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		close(fd);
		fd = next;
		if (made && fd >= 0 && !give_away(s, fd)) {
			close(fd);
			fd = -1;
		}
		talloc_free(part);
		path = slash + 1;
	}
	*name = path;
	return fd;
}

/* A path that is there twice was changed during the backup; the last counts. */
static int
create(struct stage *s, const char *path)
{
	const char *name;
	int fd = open_folder(s, s->fd, path, &name);

	if (fd < 0)
		return failed(s, path);
	(void)unlinkat(fd, name, 0);
	s->to = openat(fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	close(fd);
	return s->to >= 0 && give_away(s, s->to) ? EX_OK : failed(s, path);
}

int
stage_media(void *arg, const char *path, const void *data, size_t n)
{
	struct stage *s = arg;
	int status = s->to < 0 ? create(s, path) : EX_OK;
	int fd = s->to;

	if (status != EX_OK)
		return status;
	if (n > 0)
		return file_write_all(fd, data, n) ? EX_OK : failed(s, path);
	s->to = -1;
	return close(fd) == 0 ? EX_OK : failed(s, path);
}

/* One file. An existing one stays for later, unless it is to be replaced. */
static int
place_file(const struct stage *s, int folder, const char *name,
    const char *path, bool replace)
{
	const char *last;
	int to = open_folder(s, s->root, path, &last), error = 0;

	if (to < 0)
		return failed(s, path);
	if (renameat2(folder, name, to, last, replace ? 0 : RENAME_NOREPLACE) !=
	    0)
		error = errno;
	close(to);
	errno = error;
	return !error || (error == EEXIST && !replace) ? EX_OK :
							 failed(s, path);
}

/* Closes fd. */
static int
place_folder(const struct stage *s, int fd, const char *path, bool replace)
{
	DIR *dir = mem_need(fdopendir(fd));
	struct dirent *entry;
	int status = EX_OK;

	while (status == EX_OK && (entry = readdir(dir)) != NULL) {
		char *inner;
		int folder;

		if (entry->d_name[0] == '.')
			continue;
		inner = mem_printf(s->ctl->mem, "%s%s%s", path,
		    *path ? "/" : "", entry->d_name);
		folder = openat(fd, entry->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		status = folder >= 0 ?
			     place_folder(s, folder, inner, replace) :
			     place_file(s, fd, entry->d_name, inner, replace);
		talloc_free(inner);
	}
	closedir(dir);
	return status;
}

int
stage_place(struct stage *s, bool replace)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(s->fd) != 0)
		return failed(s, STAGE);
	return place_folder(s, fd, "", replace);
}
