/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One process per picture: its bytes go to the program and the files come back
 * through a socket pair. The program decodes hostile files, so nothing of its
 * answer is trusted: neither that it ends, nor its length, nor its numbers.
 */
#include "base/base.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/image.h"
#include "base/buf.h"
#include "base/child.h"
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

/*
 * Its processor time is two thirds of its time, so that a picture that needs
 * too much is refused and one that waits for a busy machine is not.
 */
static bool
start(TALLOC_CTX *mem, const struct conf *conf, struct child *c)
{
	const char *path = image_program(mem, conf);
	const char *const argv[] = { PROGRAM, "--memory",
		mem_printf(mem, "%zu", conf->image_memory), "--seconds",
		mem_printf(mem, "%lld",
		    (long long)(time_limit(conf) * 2 / 3 + 999) / 1000),
		NULL };
	static const char *const no_env[] = { NULL };
	int pair[2], e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		log_error("image: socketpair: %s", strerror(errno));
		return false;
	}
	e = child_start(path, argv, no_env,
	    &(struct child_files){ pair[1], pair[1], STDERR_FILENO }, &c->pid);
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
	close(c.fd);
	c.late = !child_wait(c.pid, until, &c.status);
	return judge(&c, &answer, out);
}
