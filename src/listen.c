/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listening sockets. The lock on run_dir decides who may replace what is there:
 * what answers at a socket in it is a worker whose master is dead, and on its
 * way out. The question put to a socket elsewhere is for the mxmd of another
 * run_dir; it may take a moment for a dead one's workers to end.
 */
#include "base/base.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "listen.h"

#define FIRST_INHERITED 3
#define BACKLOG         4096
#define ORPHANS_US      INT64_C(5000000)

static bool
read_env_number(const char *name, int64_t *out)
{
	const char *text = getenv(name);

	return text && text_to_int64(text, out);
}

int
listen_inherited(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int64_t pid, n, i;
	size_t len;

	if (!read_env_number("LISTEN_PID", &pid) || pid != getpid() ||
	    !read_env_number("LISTEN_FDS", &n) || !names)
		return -1;
	for (i = 0; i < n; i++, names += len + (names[len] == ':')) {
		int fd = FIRST_INHERITED + (int)i;

		len = strcspn(names, ":");
		if (strlen(name) != len || strncmp(names, name, len) != 0)
			continue;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		return fd;
	}
	return -1;
}

static void
address_of(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	assert(strlen(path) < sizeof a->sun_path); /* conf.c has looked */
	memcpy(a->sun_path, path, strlen(path));
}

static bool
is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/' &&
	       !strchr(path + n + 1, '/');
}

/* Does somebody listen there? */
static bool
is_answered(const char *path)
{
	struct sockaddr_un a;
	int fd, bad, error;

	address_of(&a, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bad = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&a, sizeof a);
	error = errno;
	if (fd >= 0)
		close(fd);
	return bad == 0 || error == EAGAIN;
}

/* The same, after those have ended whose master is dead. */
static bool
stays_answered(const char *path)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t until = clock_steady_us() + ORPHANS_US;

	while (is_answered(path)) {
		if (clock_steady_us() >= until)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* Makes way at `path`; false with a sentence when that must not be. */
static bool
clear_path(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		*why = mem_printf(mem,
		    "%s is there and is no socket; remove it, or choose "
		    "another path",
		    path);
		return false;
	}
	if (!is_within(path, conf->run_dir) && stays_answered(path)) {
		*why = mem_printf(mem,
		    "another mxmd answers at %s; stop it first, or choose "
		    "another run_dir",
		    path);
		return false;
	}
	unlink(path);
	return true;
}

/* Mode and group, as the settings want them. */
static bool
give_rights(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why)
{
	const struct group *group = NULL;

	if (*conf->socket_group) {
		group = getgrnam(conf->socket_group);
		if (!group) {
			*why = mem_printf(mem,
			    "there is no group %s; set socket_group to the "
			    "group nginx runs as, or to nothing",
			    conf->socket_group);
			return false;
		}
	}
	if (group && chown(path, (uid_t)-1, group->gr_gid) != 0) {
		*why = mem_printf(mem,
		    "%s cannot be given to group %s: %s; put the user of mxmd "
		    "into that group, or set socket_group to nothing",
		    path, conf->socket_group, strerror(errno));
		return false;
	}
	if (chmod(path, conf->socket_mode) != 0) {
		*why = mem_printf(mem, "%s: mode %04o: %s", path,
		    (unsigned)conf->socket_mode, strerror(errno));
		return false;
	}
	return true;
}

int
listen_own(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why)
{
	struct sockaddr_un a;
	mode_t before;
	int fd, bad;

	if (!clear_path(mem, conf, path, why))
		return -1;
	address_of(&a, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	before = umask(0177); /* nobody comes in before the rights are set */
	bad = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof a);
	umask(before);
	if (bad == 0 && !give_rights(mem, conf, path, why)) {
		close(fd);
		unlink(path);
		return -1;
	}
	if (bad == 0)
		bad = listen(fd, BACKLOG);
	if (bad == 0)
		return fd;
	*why = mem_printf(mem,
	    "%s cannot be made: %s; its folder must exist and be writable for "
	    "mxmd",
	    path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whoever ended between our opening and our locking has removed the file. */
static bool
is_in_place(const char *path, int fd)
{
	struct stat at, ours;

	return stat(path, &at) == 0 && fstat(fd, &ours) == 0 &&
	       at.st_dev == ours.st_dev && at.st_ino == ours.st_ino;
}

/* Opens and locks; -1 with a sentence. */
static int
take_lock(TALLOC_CTX *mem, const char *path, const char **why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0) {
		*why = mem_printf(mem,
		    "%s cannot be made: %s; the folder must exist and be "
		    "writable for mxmd",
		    path, strerror(errno));
		return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	*why =
	    mem_printf(mem, "%s cannot be locked: %s", path, strerror(errno));
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*why = mem_printf(mem,
		    "another mxmd (process %d) uses %s; stop it first, or "
		    "choose another run_dir",
		    (int)lock.l_pid, path);
	close(fd);
	return -1;
}

int
listen_lock(TALLOC_CTX *mem, const char *path, const char **why)
{
	char pid[32];
	int fd, n;

	while ((fd = take_lock(mem, path, why)) >= 0 && !is_in_place(path, fd))
		close(fd);
	if (fd < 0)
		return -1;
	n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) == n)
		return fd;
	*why =
	    mem_printf(mem, "%s cannot be written: %s", path, strerror(errno));
	close(fd);
	return -1;
}

void
listen_unlock(const char *path, int fd)
{
	unlink(path);
	close(fd);
}
