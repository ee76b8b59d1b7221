/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mapped file that is cut off ends the computation, and only that; any other
 * SIGBUS ends the process as ever.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "recommend/trap.h"

enum { PAGE = 4096, PAGES = 4 };

struct file {
	struct trap trap;
	int fd;
	TALLOC_CTX *mem;
	int runs;
	size_t read;
};

static void
set_up(struct file *f)
{
	char path[] = "/tmp/mxm-trap-XXXXXX";

	*f = (struct file){ .fd = mkstemp(path), .mem = talloc_new(NULL) };
	cr_assert_geq(f->fd, 0);
	(void)unlink(path);
	cr_assert_eq(ftruncate(f->fd, PAGES * PAGE), 0);
	f->trap.size = PAGES * PAGE;
	f->trap.at = mmap(NULL, f->trap.size, PROT_READ, MAP_SHARED, f->fd, 0);
	cr_assert_neq((const void *)f->trap.at, MAP_FAILED);
}

static void
tear_down(struct file *f)
{
	(void)munmap((void *)(uintptr_t)f->trap.at, f->trap.size);
	close(f->fd);
	talloc_free(f->mem);
}

static void
read_all(void *arg)
{
	struct file *f = arg;

	f->runs++;
	(void)mem_array(f->mem, char, 100);
	for (f->read = 0; f->read < f->trap.size; f->read++)
		(void)((const volatile char *)f->trap.at)[f->read];
}

static void
read_all_but_cut(void *arg)
{
	struct file *f = arg;

	if (ftruncate(f->fd, PAGE) == 0)
		read_all(f);
}

Test(trap, ends_what_looks_at_a_file_that_is_cut_off)
{
	struct file f, other;

	set_up(&f);
	set_up(&other);
	cr_expect(trap_run(&f.trap, read_all, &f));
	cr_expect_eq(f.read, PAGES * PAGE);
	cr_expect_not(trap_run(&f.trap, read_all_but_cut, &f));
	cr_expect_eq(f.runs, 2);
	cr_expect_eq(f.read, PAGE);
	cr_expect_not(trap_run(&f.trap, read_all, &f), "known to be");
	cr_expect_eq(f.runs, 2);
	/* and once more, for the signal must not have stayed blocked */
	cr_expect_not(trap_run(&other.trap, read_all_but_cut, &other));
	cr_expect_eq(other.read, PAGE);
	tear_down(&f);
	tear_down(&other);
}

Test(trap, needs_no_file)
{
	struct file f;

	set_up(&f);
	cr_expect(trap_run(NULL, read_all, &f));
	cr_expect_eq(f.runs, 1);
	tear_down(&f);
}

/* ------------------------------------------------------------ anything else */

/* What signal kills a child that does this; 0: none. */
static int
killed_by(void (*run)(struct file *f), struct file *f)
{
	const struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)signal(SIGBUS, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &none);
		run(f);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
look_without(struct file *f)
{
	if (!trap_run(&f->trap, read_all_but_cut, f))
		read_all(f);
}

static struct file beside;

static void
read_beside(void *arg)
{
	(void)arg;
	read_all_but_cut(&beside);
}

static void
look_beside(struct file *f)
{
	if (trap_run(&f->trap, read_beside, f))
		_exit(1);
}

static void
send_one(void *arg)
{
	(void)arg;
	(void)raise(SIGBUS);
}

static void
be_sent_one(struct file *f)
{
	if (trap_run(&f->trap, send_one, f))
		_exit(1);
}

Test(trap, leaves_every_other_signal_alone)
{
	struct file f;

	set_up(&f);
	set_up(&beside);
	cr_expect_eq(killed_by(look_without, &f), SIGBUS);
	cr_expect_eq(killed_by(look_beside, &f), SIGBUS);
	cr_expect_eq(killed_by(be_sent_one, &f), SIGBUS);
	tear_down(&f);
	tear_down(&beside);
}
