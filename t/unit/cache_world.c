/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A memcached of our own for every test.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cache_world.h"

char cache_folder[] = "/tmp/mxmc-XXXXXX";
char cache_path[MAX_SERVERS][64];
static pid_t server[MAX_SERVERS];
struct cache *cache;
TALLOC_CTX *mem;

int
cache_connect(const char *where)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", where);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

void
cache_nap(void)
{
	struct timespec t = { .tv_nsec = 2000000 };

	nanosleep(&t, NULL);
}

static void
wait_for_server(const char *where)
{
	int64_t deadline = clock_steady_us() + 10000000;
	int fd;

	while ((fd = cache_connect(where)) < 0) {
		cr_assert(clock_steady_us() < deadline, "no server: %s", where);
		cache_nap();
	}
	close(fd);
}

void
cache_start(int i)
{
	server[i] = fork();
	cr_assert(server[i] >= 0);
	if (server[i] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (geteuid() == 0)
			execlp("memcached", "memcached", "-u", "root", "-s",
			    cache_path[i], "-t", "1", "-m", "16", (char *)NULL);
		else
			execlp("memcached", "memcached", "-s", cache_path[i],
			    "-t", "1", "-m", "16", (char *)NULL);
		_exit(127);
	}
	wait_for_server(cache_path[i]);
}

void
cache_stop(int i)
{
	if (server[i] <= 0)
		return;
	kill(server[i], SIGKILL);
	waitpid(server[i], NULL, 0);
	unlink(cache_path[i]);
	server[i] = 0;
}

/* Stopped when this returns: the signal alone leaves it time for an answer. */
void
cache_freeze(int i)
{
	kill(server[i], SIGSTOP);
	waitpid(server[i], NULL, WUNTRACED);
}

static bool
have_memcached(void)
{
	return access("/usr/bin/memcached", X_OK) == 0 ||
	       access("/usr/local/bin/memcached", X_OK) == 0;
}

void
cache_set_up(void)
{
	int i;

	mem_init();
	if (!have_memcached())
		cr_skip_test("memcached is not installed");
	cr_assert(mkdtemp(cache_folder));
	for (i = 0; i < MAX_SERVERS; i++)
		snprintf(cache_path[i], sizeof cache_path[i], "%s/%d",
		    cache_folder, i);
	cache_start(0);
	mem = talloc_new(NULL);
	cache = cache_new(NULL, cache_path[0]);
}

void
cache_tear_down(void)
{
	int i;

	talloc_free(cache);
	talloc_free(mem);
	for (i = 0; i < MAX_SERVERS; i++)
		cache_stop(i);
	rmdir(cache_folder);
}

void
cache_thaw(int i)
{
	kill(server[i], SIGCONT);
}

pid_t
cache_stand_in(const char *where, int *fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pid_t pid;

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", where);
	cr_assert(*fd >= 0 && bind(*fd, (struct sockaddr *)&a, sizeof a) == 0);
	cr_assert(listen(*fd, 16) == 0);
	pid = fork();
	cr_assert(pid >= 0);
	if (pid > 0)
		close(*fd);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}
