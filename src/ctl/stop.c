/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signals of long commands.
 */
#include "base/base.h"

#include "ctl/stop.h"

volatile sig_atomic_t ctl_stop;

static void
on_signal(int number)
{
	ctl_stop = number;
}

/* Without SA_RESTART, so that waiting for the server is interrupted. */
void
stop_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < array_len(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	(void)signal(SIGXFSZ, SIG_IGN);
}
