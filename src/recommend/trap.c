/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The handler of SIGBUS, and the way back from it. It comes from an access to
 * memory, never from within malloc() or libc's locks, since those look at no
 * mapping of ours; so it is safe to jump out of it.
 */
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>

#include "recommend/trap.h"

static struct sigaction before;

/* Of each thread its own; the kernel tells the one that looked. */
static _Thread_local struct trap *current; /* NULL: none is set */
static _Thread_local sigjmp_buf back;

static bool
is_inside(const struct trap *t, const void *address)
{
	uintptr_t at = (uintptr_t)address, from = (uintptr_t)t->at;

	return at >= from && at - from < t->size;
}

/*
 * What is not ours meets the old handler: a look at memory is repeated when
 * this returns, a signal that somebody sent is sent once more.
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
	if (t->sprung)
		return false;
	assert(!current);
	set_handler();
	current = t;
	if (sigsetjmp(back, 0) == 0)
		run(arg);
	else
		t->sprung = true;
	current = NULL;
	return !t->sprung;
}
