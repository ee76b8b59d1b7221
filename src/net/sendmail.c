/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail transport sendmail(8). The message is the standard input, in memory, so
 * that no pipe can fill; what the program prints is dropped, because it may
 * have addresses.
 */
#include "base/base.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/sendmail.h"

#define TOTAL_MS 30000

/* A file descriptor of the message, at its beginning; -1: errno. */
static int
open_message(const struct buf *message)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;

	while (fd >= 0 && done < message->len) {
		n = write(fd, message->data + done, message->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0 && (done < message->len || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Why the mail was not accepted, one line; "": it was. */
static const char *
run(TALLOC_CTX *mem, const char *path, const char *from, int input)
{
	const char *const argv[] = { path, "-i", "-t", "-f", from, NULL };
	const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		NULL };
	int status, error;
	pid_t pid;

	error = child_start(
	    path, argv, env, &(struct child_files){ input, -1, -1 }, &pid);
	if (error)
		return mem_printf(mem, "%s: %s", path, strerror(error));
	if (!child_wait(pid, clock_steady_us() + TOTAL_MS * 1000, &status))
		return mem_printf(
		    mem, "%s: no end after %d s", path, TOTAL_MS / 1000);
	if (WIFSIGNALED(status))
		return mem_printf(
		    mem, "%s: killed by signal %d", path, WTERMSIG(status));
	if (WEXITSTATUS(status) != EX_OK)
		return mem_printf(mem, "%s: exit status %d%s", path,
		    WEXITSTATUS(status),
		    WEXITSTATUS(status) == EX_TEMPFAIL ?
			" (temporary failure)" :
			"");
	return "";
}

enum err
sendmail_send(
    TALLOC_CTX *mem, const char *path, const struct mail *m, const char **why)
{
	struct buf message;
	const char *from;
	enum err e;
	int input;

	*why = "an address or the subject is invalid";
	buf_init(&message, mem, 4096);
	e = message_compose(mem, m, &message);
	if (e)
		return e;
	if (!message_address(mem, m->from, &from, NULL))
		return ERR_INVALID;
	input = open_message(&message);
	if (input < 0) {
		*why = mem_printf(mem, "%s: %s", path, strerror(errno));
		return ERR_UPSTREAM;
	}
	*why = run(mem, path, from, input);
	close(input);
	return **why ? ERR_UPSTREAM : ERR_OK;
}
