/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling the service manager how we are (sd_notify(3)'s protocol, without its
 * library).
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/base.h"

/*
 * Sends "READY=1", "STATUS=…" or several lines of that to $NOTIFY_SOCKET;
 * nothing when there is none. A manager that cannot be told is logged and no
 * reason to stop.
 */
void notify_manager(const char *state);

/* "RELOADING=1" with the time that Type=notify-reload wants beside it. */
void notify_reloading(void);

#endif
