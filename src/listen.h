/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The listening sockets: from systemd, or our own.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/base.h"

#include "base/conf.h"

/*
 * Sockets that systemd hands over (sd_listen_fds(3)'s protocol), by name.
 * Returns the descriptor, or -1: there is none of that name.
 */
int listen_inherited(const char *name);

/*
 * Binds `path` with the mode and group of the settings. The socket of a dead
 * master is replaced. -1: *why is a sentence with a remedy, below `mem`.
 */
int listen_own(TALLOC_CTX *mem, const struct conf *conf, const char *path,
    const char **why);

/*
 * Takes the lock at `path` and writes our process id into it; held until
 * listen_unlock() or the end of the process. -1: another one has it, or it
 * cannot be made; *why tells.
 */
int listen_lock(TALLOC_CTX *mem, const char *path, const char **why);

/* Removes the lock that listen_lock() gave. */
void listen_unlock(const char *path, int fd);

#endif
