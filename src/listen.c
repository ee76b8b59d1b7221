/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listening sockets. The holder of the lock on run_dir may replace the sockets
 * in it: if one accepts connections, that is a terminating worker of a dead
 * master. A socket outside run_dir may be used by the mxmd of another run_dir,
 * so it is replaced only if it stops accepting connections, which takes the
 * workers of a dead master a moment.
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
#include "base/file.h"
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
	assert(strlen(path) < sizeof a->sun_path); /* checked by conf.c */
	memcpy(a->sun_path, path, strlen(path));
}

static bool
is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/' &&
	       !strchr(path + n + 1, '/');
}

/* Whether a process listens at `path`. */
static bool
is_listening(const char *path)
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

/* The same, after waiting for the workers of a dead master to end. */
static bool
stays_listening(const char *path)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t until = clock_steady_us() + ORPHANS_US;

	while (is_listening(path)) {
		if (clock_steady_us() >= until)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* Removes an old socket at `path`; false with an error message if it is in use.
 */
static bool
clear_path(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		*why = mem_printf(mem,
		    "%s exists and is not a socket; remove it, or choose "
		    "another path",
		    path);
		return false;
	}
	if (!is_within(path, conf->run_dir) && stays_listening(path)) {
		*why = mem_printf(mem,
		    "another mxmd is listening at %s; stop it first, or choose "
		    "another run_dir",
		    path);
		return false;
	}
	unlink(path);
	return true;
}

/* Sets mode and group from the settings. */
static bool
set_permissions(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why)
{
	const struct group *group = NULL;

	if (*conf->socket_group) {
		group = getgrnam(conf->socket_group);
		if (!group) {
			*why = mem_printf(mem,
			    "group %s does not exist; set socket_group to the "
			    "group of nginx, or leave it empty",
			    conf->socket_group);
			return false;
		}
	}
	if (group && chown(path, (uid_t)-1, group->gr_gid) != 0) {
		*why = mem_printf(mem,
		    "cannot change the group of %s to %s: %s; add the user of "
		    "mxmd to that group, or leave socket_group empty",
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
	before =
	    umask(0177); /* no connections before the permissions are set */
	bad = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof a);
	umask(before);
	if (bad == 0 && !set_permissions(mem, conf, path, why)) {
		close(fd);
		unlink(path);
		return -1;
	}
	if (bad == 0)
		bad = listen(fd, BACKLOG);
	if (bad == 0)
		return fd;
	*why = mem_printf(mem,
	    "cannot create %s: %s; its directory must exist and be writable "
	    "for mxmd",
	    path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A process that ended between our open() and our lock has removed the file. */
static bool
is_in_place(const char *path, int fd)
{
	struct stat at, ours;

	return stat(path, &at) == 0 && fstat(fd, &ours) == 0 &&
	       file_is_same_inode(&at, &ours);
}

/* Opens and locks; -1 with an error message. */
static int
take_lock(TALLOC_CTX *mem, const char *path, const char **why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0) {
		*why = mem_printf(mem,
		    "cannot create %s: %s; its directory must exist and be "
		    "writable for mxmd",
		    path, strerror(errno));
		return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	*why = mem_printf(mem, "cannot lock %s: %s", path, strerror(errno));
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
	*why = mem_printf(mem, "cannot write %s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

void
listen_unlock(const char *path, int fd)
{
	unlink(path);
	close(fd);
}
