/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One process per picture: its bytes go to the program and the files come back
 * through a socket pair. The program decodes hostile files, so nothing of its
 * answer is trusted: neither that it ends, nor its length, nor its numbers.
 */
#include "base/base.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/image.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define PROGRAM "mxm-image"

#define CHUNK      ((size_t)64 * 1024)
#define ANSWER_MAX ((size_t)32 * 1024 * 1024)

struct child {
	pid_t pid;
	int fd;
	int status;
	bool late; /* killed at the deadline */
};

/* Milliseconds: the worker is killed at request_deadline. */
static int64_t
time_limit(const struct conf *conf)
{
	return conf->request_deadline / 2;
}

const char *
image_program(TALLOC_CTX *mem, const struct conf *conf)
{
	char self[PATH_MAX];
	ssize_t n;

	if (*conf->image_program)
		return conf->image_program;
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0)
		return "/usr/sbin/" PROGRAM;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	return mem_printf(mem, "%s/" PROGRAM, self);
}

/* No signal that a worker blocks or ignores is blocked or ignored there. */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, standard;
	int e;

	sigemptyset(&none);
	sigemptyset(&standard);
	sigaddset(&standard, SIGHUP);
	sigaddset(&standard, SIGINT);
	sigaddset(&standard, SIGPIPE);
	e = posix_spawnattr_setsigmask(attr, &none);
	if (!e)
		e = posix_spawnattr_setsigdefault(attr, &standard);
	if (!e)
		e = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return e;
}

/* An empty environment. 0 or the number of the error. */
static int
spawn(pid_t *pid, const char *path, char *const argv[], int fd)
{
	static char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int e;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	e = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (!e)
		e = posix_spawn_file_actions_adddup2(
		    &actions, fd, STDOUT_FILENO);
	if (!e)
		e = set_attributes(&attr);
	if (!e)
		e = posix_spawn(pid, path, &actions, &attr, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return e;
}

/*
 * Its processor time is two thirds of its time, so that a picture that needs
 * too much is refused and one that waits for a busy machine is not.
 */
static bool
start(TALLOC_CTX *mem, const struct conf *conf, struct child *c)
{
	const char *path = image_program(mem, conf);
	char *argv[] = { mem_text(mem, PROGRAM), mem_text(mem, "--memory"),
		mem_printf(mem, "%zu", conf->image_memory),
		mem_text(mem, "--seconds"),
		mem_printf(mem, "%lld",
		    (long long)(time_limit(conf) * 2 / 3 + 999) / 1000),
		NULL };
	int pair[2], e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		log_error("image: socketpair: %s", strerror(errno));
		return false;
	}
	e = spawn(&c->pid, path, argv, pair[1]);
	close(pair[1]);
	if (e) {
		log_error("image: cannot run %s: %s", path, strerror(e));
		close(pair[0]);
		return false;
	}
	c->fd = pair[0];
	return true;
}

/* Sends what fits; all of it was sent, or is not wanted: ends the input. */
static void
send_some(const struct child *c, const char **data, size_t *n)
{
	ssize_t sent = send(c->fd, *data, *n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	*data += sent < 0 ? 0 : sent;
	*n = sent < 0 ? 0 : *n - (size_t)sent;
	if (*n == 0)
		(void)shutdown(c->fd, SHUT_WR);
}

/* false: the answer ends here. */
static bool
receive_some(const struct child *c, struct buf *answer)
{
	char chunk[CHUNK];
	ssize_t got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_add(answer, chunk, (size_t)got);
	return got > 0 && answer->len <= ANSWER_MAX;
}

static int
left_ms(int64_t until)
{
	int64_t us = until - clock_steady_us();

	return us > 0 ? (int)(us / 1000) + 1 : 0;
}

/* Until the answer ends or the time is over. */
static void
exchange(const struct child *c, const char *data, size_t n, struct buf *answer,
    int64_t until)
{
	struct pollfd p = { .fd = c->fd };
	int ms;

	while ((ms = left_ms(until)) > 0) {
		p.events = (short)(n > 0 ? POLLIN | POLLOUT : POLLIN);
		if (poll(&p, 1, ms) <= 0)
			continue;
		if (n > 0 && (p.revents & POLLOUT))
			send_some(c, &data, &n);
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) &&
		    !receive_some(c, answer))
			break;
	}
}

/* Waits for its end, at most until then. */
static void
finish(struct child *c, int64_t until)
{
	int fd = pidfd_open(c->pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ms;

	close(c->fd);
	while (fd >= 0 && (ms = left_ms(until)) > 0 && poll(&p, 1, ms) < 0)
		continue;
	if (fd < 0 || !(p.revents & POLLIN)) {
		c->late = left_ms(until) == 0;
		(void)kill(c->pid, SIGKILL);
	}
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		continue;
	if (fd >= 0)
		close(fd);
}

/* Whether the answer has all files, of the formats that they should have. */
static bool
read_answer(const struct buf *answer, struct image *out)
{
	struct image_head head;
	const char *at = answer->data + sizeof head;
	size_t left = answer->len - sizeof head;

	if (answer->len < sizeof head)
		return false;
	memcpy(&head, answer->data, sizeof head);
	if (memcmp(head.magic, IMAGE_MAGIC, sizeof head.magic) != 0)
		return false;
	for (int i = 0; i < IMAGE_FILES; i++) {
		const char *magic = i % IMAGE_FORMATS ? "RIFF" : "\xff\xd8\xff";

		if (head.size[i] < 16 || head.size[i] > left ||
		    memcmp(at, magic, strlen(magic)) != 0)
			return false;
		out->file[i].data = at;
		out->file[i].len = head.size[i];
		at += head.size[i];
		left -= head.size[i];
	}
	return left == 0;
}

/* Signals that a picture can cause, by a fault of the decoder or a limit. */
static bool
is_fault_of_picture(int sig)
{
	return sig == SIGXCPU || sig == SIGABRT || sig == SIGTRAP ||
	       sig == SIGSEGV || sig == SIGBUS || sig == SIGILL ||
	       sig == SIGFPE || sig == SIGSYS;
}

static enum err
judge(const struct child *c, const struct buf *answer, struct image *out)
{
	int status = c->status;

	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_DATAERR)
		return ERR_INVALID;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK &&
	    read_answer(answer, out))
		return ERR_OK;
	if (WIFSIGNALED(status) && is_fault_of_picture(WTERMSIG(status))) {
		log_warn("image: " PROGRAM " was ended by signal %d (%s); the "
			 "picture is refused",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		return ERR_INVALID;
	}
	if (c->late)
		log_error("image: " PROGRAM " was not done in half of "
			  "request_deadline");
	else if (WIFSIGNALED(status))
		log_error("image: " PROGRAM " was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("image: " PROGRAM " exited with status %d and %zu "
			  "bytes",
		    WEXITSTATUS(status), answer->len);
	return ERR_UNAVAILABLE;
}

enum err
image_convert(TALLOC_CTX *mem, const struct conf *conf, const void *data,
    size_t n, struct image *out)
{
	int64_t until = clock_steady_us() + time_limit(conf) * 1000;
	struct child c = { 0 };
	struct buf answer;

	if (!start(mem, conf, &c))
		return ERR_UNAVAILABLE;
	buf_init(&answer, mem, CHUNK);
	exchange(&c, data, n, &answer, until);
	finish(&c, until);
	return judge(&c, &answer, out);
}
