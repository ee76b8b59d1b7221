/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pg_dump and pg_restore as child processes. Root runs them, and connects, as
 * the system user whom PostgreSQL knows: with peer authentication root itself
 * has no role, and what parses a file of others should not be root.
 */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ctl/backup/backup.h"
#include "db/settings.h"

#define ARGUMENTS_MAX 24
#define CHUNK         ((size_t)64 * 1024)
#define END_US        INT64_C(60000000)
#define MESSAGE_MAX   400

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
destroy(struct program *p)
{
	int status;

	close_one(&p->in);
	close_one(&p->out);
	close_one(&p->err);
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		(void)child_wait(p->pid, clock_steady_us(), &status);
	}
	return 0;
}

struct passwd *
program_user(struct ctl *ctl, const char *conninfo)
{
	const char *host = settings_conninfo(ctl->mem, conninfo, "host");
	const char *name = settings_conninfo(ctl->mem, conninfo, "user");

	if (geteuid() != 0 || !name || (host && *host != '/'))
		return NULL;
	return getpwnam(name);
}

enum err
program_db(struct db *db, const struct passwd *user)
{
	enum err e;

	if (user && (setegid(user->pw_gid) != 0 || seteuid(user->pw_uid) != 0))
		abort(); /* root may */
	e = db_connect(db);
	if (user && (seteuid(0) != 0 || setegid(0) != 0))
		abort();
	return e;
}

int
program_connect(struct ctl *ctl, struct db *db, const struct passwd *user)
{
	enum err e = program_db(db, user);

	return e ? ctl_failed(ctl, db, e) : EX_OK;
}

static bool
make_pipe(int *ours, int *theirs, int end)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) != 0)
		return false;
	*ours = fd[end];
	*theirs = fd[!end];
	return true;
}

/* As that user, by setpriv of util-linux. */
static const char *const *
with_user(TALLOC_CTX *mem, const char *const *argv, const struct passwd *user)
{
	const char **all;
	size_t n = 0, i;

	if (!user)
		return argv;
	all = mem_array(mem, const char *, ARGUMENTS_MAX + 6);
	all[n++] = "setpriv";
	all[n++] = mem_printf(mem, "--reuid=%u", (unsigned)user->pw_uid);
	all[n++] = mem_printf(mem, "--regid=%u", (unsigned)user->pw_gid);
	all[n++] = "--init-groups";
	all[n++] = "--";
	for (i = 0; argv[i]; i++) {
		assert(i < ARGUMENTS_MAX);
		all[n++] = argv[i];
	}
	return all;
}

int
program_start(struct ctl *ctl, const char *const *argv, const char *const *env,
    const struct passwd *user, struct program **out)
{
	struct program *p = mem_new(ctl->mem, struct program);
	struct child_files files = { -1, -1, -1 };
	int error;

	*p = (struct program){ argv[0], -1, -1, -1, -1 };
	talloc_set_destructor(p, destroy);
	*out = p;
	p->err = memfd_create("messages", MFD_CLOEXEC);
	files.err = p->err;
	if (p->err < 0 || !make_pipe(&p->in, &files.in, 1) ||
	    !make_pipe(&p->out, &files.out, 0) ||
	    fcntl(p->in, F_SETFL, O_NONBLOCK) != 0)
		return backup_fail(
		    ctl, EX_OSERR, "no pipe: %s", strerror(errno));
	argv = with_user(p, argv, user);
	error = child_start(argv[0], argv, env, &files, &p->pid);
	close(files.in);
	close(files.out);
	if (!error)
		return EX_OK;
	p->pid = -1;
	return backup_fail(ctl, EX_UNAVAILABLE,
	    "cannot run %s: %s; it is in the package postgresql-client",
	    argv[0], strerror(error));
}

/* false: the program has closed its input, whose reason program_end() has. */
static bool
write_some(struct program *p, const char **data, size_t *n)
{
	ssize_t done = write(p->in, *data, *n);

	if (done < 0)
		return errno == EAGAIN || errno == EINTR;
	*data += done;
	*n -= (size_t)done;
	return true;
}

/* One piece of output; *ended: there is no more. */
static int
read_some(struct program *p, bool *ended,
    int (*take)(void *arg, const char *p, size_t n), void *arg)
{
	static char chunk[CHUNK];
	ssize_t n = read(p->out, chunk, sizeof chunk);

	if (n < 0 && errno == EINTR)
		return EX_OK;
	*ended = n <= 0;
	return n > 0 ? take(arg, chunk, (size_t)n) : EX_OK;
}

int
program_feed(struct ctl *ctl, struct program *p, const void *data, size_t n,
    int (*take)(void *arg, const char *p, size_t n), void *arg)
{
	bool to_end = n == 0, ended = false;
	const char *at = data;
	int status = EX_OK;

	if (to_end)
		close_one(&p->in);
	while (status == EX_OK && (to_end ? !ended : n > 0 && p->in >= 0)) {
		struct pollfd fds[] = { { p->out, POLLIN, 0 },
			{ n > 0 ? p->in : -1, POLLOUT, 0 } };

		(void)poll(fds, 2, -1);
		status = backup_stopped(ctl);
		if (status == EX_OK && fds[0].revents) {
			status = read_some(p, &ended, take, arg);
			if (ended && !to_end)
				close_one(&p->in);
		}
		if (status == EX_OK && fds[1].revents && p->in >= 0 &&
		    !write_some(p, &at, &n))
			close_one(&p->in);
	}
	return status;
}

/* What it printed, in one line, without its name and the word "error". */
static void
read_message(struct program *p, char message[MESSAGE_MAX])
{
	ssize_t n = pread(p->err, message, MESSAGE_MAX - 1, 0);
	char *prefix;

	while (n > 0 && message[n - 1] == '\n')
		n--;
	message[n > 0 ? n : 0] = '\0';
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	prefix = strstr(message, ": error: ");
	if (prefix)
		memmove(message, prefix + 9, strlen(prefix + 9) + 1);
}

int
program_end(struct ctl *ctl, struct program *p)
{
	char message[MESSAGE_MAX];
	int status = 0;
	bool ended;

	close_one(&p->in);
	close_one(&p->out);
	ended = child_wait(p->pid, clock_steady_us() + END_US, &status);
	p->pid = -1;
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EX_OK;
	if (backup_stopped(ctl) != EX_OK)
		return backup_stopped(ctl);
	read_message(p, message);
	return backup_fail(ctl, EX_DATAERR, "%s failed: %s", p->name,
	    message[0]          ? message :
	    WIFSIGNALED(status) ? "it was killed" :
				  "it printed no reason");
}
