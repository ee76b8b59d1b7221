/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stopping a long command by a signal, in order.
 */
#ifndef CTL_STOP_H
#define CTL_STOP_H

#include "base/base.h"

#include <signal.h>

/* The signal that was received to stop; 0: none. */
extern volatile sig_atomic_t ctl_stop;

/*
 * SIGINT, SIGTERM and SIGHUP set ctl_stop and interrupt what is waiting; the
 * second one ends the program at once. The file size limit becomes an error.
 */
void stop_catch_signals(void);

#endif
