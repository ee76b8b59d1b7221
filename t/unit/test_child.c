/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other programs: their descriptors and environment, their end, and the
 * deadline.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"

#define SHELL "/bin/sh"

/* Runs a shell command, with the end of a pipe as its standard output. */
static pid_t
start(const char *command, int out)
{
	const char *const argv[] = { SHELL, "-c", command, NULL };
	const char *const env[] = { "WORD=here", NULL };
	pid_t pid;

	cr_assert_eq(child_start(SHELL, argv, env,
			 &(struct child_files){ -1, out, STDERR_FILENO }, &pid),
	    0);
	return pid;
}

static int64_t
in_ms(int64_t ms)
{
	return clock_steady_us() + ms * 1000;
}

Test(child, has_its_files_and_environment_and_no_others)
{
	char text[64] = "";
	int pair[2], other = open("/dev/null", O_RDONLY), status;
	pid_t pid;

	cr_assert_eq(pipe2(pair, O_CLOEXEC), 0);
	cr_assert_geq(other, 0);
	pid = start("echo $WORD $HOME; cat; ls /proc/self/fd | wc -l", pair[1]);
	close(pair[1]);
	cr_expect(child_wait(pid, in_ms(60000), &status));
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_gt(read(pair[0], text, sizeof text - 1), 0);
	/* the three standard ones, and that of ls itself */
	cr_expect_str_eq(text, "here\n4\n");
}

Test(child, gives_the_status)
{
	int status;

	cr_expect(child_wait(start("exit 7", -1), in_ms(60000), &status));
	cr_expect_eq(WEXITSTATUS(status), 7);
}

Test(child, is_killed_at_the_deadline)
{
	int status;

	cr_expect_not(child_wait(
	    start("trap '' TERM; sleep 600", -1), in_ms(50), &status));
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(child, does_not_inherit_ignored_signals)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	cr_expect(
	    child_wait(start("kill -PIPE $$", -1), in_ms(60000), &status));
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

Test(child, reports_a_program_that_is_missing)
{
	const char *const none[] = { NULL };
	pid_t pid;

	cr_expect_eq(child_start("/nonexistent", none, none,
			 &(struct child_files){ -1, -1, -1 }, &pid),
	    ENOENT);
}
