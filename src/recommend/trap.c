/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The handler of SIGBUS, which jumps back. The signal is synchronous and never
 * raised within malloc() or locks of libc, since these do not access the
 * mapping; so it is safe to jump out of the handler.
 */
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>

#include "recommend/trap.h"

static struct sigaction before;

/* Per thread: the kernel signals the thread that accessed the memory. */
static _Thread_local struct trap *current; /* NULL: none */
static _Thread_local sigjmp_buf back;

static bool
is_inside(const struct trap *t, const void *address)
{
	uintptr_t at = (uintptr_t)address, from = (uintptr_t)t->at;

	return at >= from && at - from < t->size;
}

/*
 * Any other SIGBUS is left to the old handler: an access to memory is repeated
 * when this returns, a signal of kill() is raised again.
 */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code > 0 && current && is_inside(current, info->si_addr))
		siglongjmp(back, 1);
	(void)sigaction(number, &before, NULL);
	if (info->si_code <= 0)
		(void)raise(number);
}

/* Without SA_NODEFER the signal would stay blocked after the jump. */
static void
set_handler(void)
{
	static bool done;
	struct sigaction action = {
		.sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	int bad;

	if (done)
		return;
	sigemptyset(&action.sa_mask);
	bad = sigaction(SIGBUS, &action, &before);
	assert(!bad);
	done = true;
}

bool
trap_run(struct trap *t, void (*run)(void *arg), void *arg)
{
	if (!t) {
		run(arg);
		return true;
	}
	if (t->truncated)
		return false;
	assert(!current);
	set_handler();
	current = t;
	if (sigsetjmp(back, 0) == 0)
		run(arg);
	else
		t->truncated = true;
	current = NULL;
	return !t->truncated;
}
