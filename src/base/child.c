/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Another program as a process.
 */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"

static void
add_file(posix_spawn_file_actions_t *actions, int from, int to)
{
	int error = from < 0 ?
			posix_spawn_file_actions_addopen(
			    actions, to, "/dev/null", O_RDWR, 0) :
			posix_spawn_file_actions_adddup2(actions, from, to);

	assert(!error);
}

int
child_start(const char *path, const char *const argv[], const char *const env[],
    const struct child_files *files, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int error;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	add_file(&actions, files->in, STDIN_FILENO);
	add_file(&actions, files->out, STDOUT_FILENO);
	add_file(&actions, files->err, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	/* posix_spawnp() changes neither list */
	error = posix_spawnp(pid, path, &actions, &attr,
	    (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return error;
}

/* Rounded up; 0: over. */
static int
left_ms(int64_t until)
{
	int64_t us = until - clock_steady_us();

	return us > 0 ? (int)(us / 1000) + 1 : 0;
}

bool
child_wait(pid_t pid, int64_t until, int *status)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	bool ended = false;
	int ms;

	while (p.fd >= 0 && !ended && (ms = left_ms(until)) > 0)
		ended = poll(&p, 1, ms) == 1;
	if (!ended)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		continue;
	if (p.fd >= 0)
		close(p.fd);
	return ended;
}
