/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The listening sockets: passed by systemd or created by mxmd.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/base.h"

#include "base/conf.h"

/*
 * A socket passed by systemd (protocol of sd_listen_fds(3)), by name. Returns
 * the descriptor, or -1 if there is none with that name.
 */
int listen_inherited(const char *name);

/*
 * Binds `path` with the mode and group of the settings. The socket of a dead
 * master is replaced. -1: *why is an error message with a remedy, below `mem`.
 */
int listen_own(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why);

/*
 * Locks `path` and writes the process id into it; held until listen_unlock() or
 * the end of the process. -1: it is locked by another process or cannot be
 * created; *why is an error message.
 */
int listen_lock(TALLOC_CTX *mem, const char *path, const char **why);

/* Removes and unlocks the file of listen_lock(). */
void listen_unlock(const char *path, int fd);

#endif
