/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Atomic replacement of files.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool
write_new(const char *path, const void *p, size_t n, mode_t mode)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good;

	if (fd < 0)
		return false;
	good = write_all(fd, p, n) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	return close(fd) == 0 && good;
}

/* Syncs the directory, which makes a rename durable. */
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

/* Removes an incomplete file; preserves errno. */
static void
forget(const char *path)
{
	int why = errno;

	(void)unlink(path);
	errno = why;
}

bool
file_save(
    const char *folder, const char *name, const void *p, size_t n, mode_t mode)
{
	TALLOC_CTX *mem = mem_need(talloc_named_const(NULL, 0, "file"));
	const char *part = mem_printf(mem, "%s/.%s.part", folder, name);
	const char *whole = mem_printf(mem, "%s/%s", folder, name);
	bool good = false;

	if (!write_new(part, p, n, mode) || rename(part, whole) != 0)
		forget(part);
	else if (!sync_folder(folder))
		forget(whole);
	else
		good = true;
	talloc_free(mem);
	return good;
}

bool
file_rename(const char *from, const char *to)
{
	const char *slash = strrchr(to, '/');
	char *folder;
	bool good;

	if (rename(from, to) != 0)
		return false;
	folder = slash ? mem_textn(NULL, to, (size_t)(slash - to) + 1) :
			 mem_text(NULL, ".");
	good = sync_folder(folder);
	talloc_free(folder);
	return good;
}
