/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are written atomically, and reading with a deadline.
 */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

bool
file_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

/* Removes a file that was not completed; errno stays. */
static void
discard(const char *path)
{
	int why = errno;

	(void)unlink(path);
	errno = why;
}

/* Makes a rename in that folder durable. */
static bool
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = fsync(fd) == 0;
	return close(fd) == 0 && good;
}

static char *
folder_of(TALLOC_CTX *mem, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_textn(mem, path, (size_t)(slash - path) + 1) :
		       mem_text(mem, "");
}

static int
drop(struct file *file)
{
	if (file->to) {
		fclose(file->to);
		discard(file->part);
	}
	return 0;
}

struct file *
file_new(TALLOC_CTX *mem, const char *path, mode_t mode)
{
	struct file *file = mem_new(mem, struct file);
	char *folder = folder_of(file, path);
	int fd;

	file->path = mem_text(file, path);
	file->part = mem_printf(file, "%s.%s.%ld.part", folder,
	    path + strlen(folder), (long)getpid());
	fd = open(file->part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	file->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (file->to) {
		talloc_set_destructor(file, drop);
		return file;
	}
	if (fd >= 0) {
		discard(file->part);
		close(fd);
	}
	talloc_free(file);
	return NULL;
}

bool
file_finish(struct file *file)
{
	bool good = fflush(file->to) == 0 && !ferror(file->to) &&
		    fsync(fileno(file->to)) == 0;
	int why = errno;

	if (fclose(file->to) != 0 && good) {
		good = false;
		why = errno;
	}
	file->to = NULL;
	if (good && !file_rename(file->part, file->path)) {
		good = false;
		why = errno;
	}
	if (!good)
		(void)unlink(file->part);
	talloc_free(file);
	errno = why;
	return good;
}

bool
file_save(
    const char *folder, const char *name, const void *p, size_t n, mode_t mode)
{
	TALLOC_CTX *mem = mem_need(talloc_named_const(NULL, 0, "file"));
	const char *path = mem_printf(mem, "%s/%s", folder, name);
	struct file *file = file_new(mem, path, 0600);
	bool good = file && fchmod(fileno(file->to), mode) == 0 &&
		    file_write_all(fileno(file->to), p, n);
	int why;

	if (good && !file_finish(file)) {
		good = false;
		discard(path);
	}
	why = errno;
	talloc_free(mem);
	errno = why;
	return good;
}

bool
file_rename(const char *from, const char *to)
{
	char *folder;
	bool good;

	if (rename(from, to) != 0)
		return false;
	folder = folder_of(NULL, to);
	good = sync_folder(*folder ? folder : ".");
	talloc_free(folder);
	return good;
}

bool
file_read_until(int fd, char *text, size_t size, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool in_time = true;
	size_t n = 0;

	while (n < size - 1) {
		int64_t left = until - clock_steady_us();
		ssize_t got;

		in_time = left > 0;
		if (!in_time)
			break;
		if (poll(&p, 1, (int)(left / 1000) + 1) <= 0)
			continue;
		got = read(fd, text + n, size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	return in_time;
}

bool
file_is_same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The time of a file's status changes with each write, whatever sets mtime. */
bool
file_is_same(const struct stat *a, const struct stat *b)
{
	return file_is_same_inode(a, b) && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
