/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notification of the service manager: the protocol of sd_notify(3), without
 * its library.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/base.h"

/*
 * Sends "READY=1", "STATUS=…" or several such lines to $NOTIFY_SOCKET, if it is
 * set. Errors are only logged.
 */
void notify_manager(const char *state);

/* "RELOADING=1" with the time that Type=notify-reload requires. */
void notify_reloading(void);

#endif
