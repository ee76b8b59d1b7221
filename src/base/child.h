/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Another program as a process: started with posix_spawn(), and awaited with a
 * deadline.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/base.h"

#include <sys/types.h>

/* Descriptors that become the standard ones; -1: /dev/null. */
struct child_files {
	int in, out, err;
};

/*
 * Starts `path`, which is searched for in PATH if it has no slash, with these
 * arguments and that environment (both end with NULL). It has no other
 * descriptors, and its signals are as after a log-in. 0, or the number of the
 * error.
 */
int child_start(const char *path, const char *const argv[],
    const char *const env[], const struct child_files *files, pid_t *pid);

/*
 * Waits for its end, at most until `until` (clock_steady_us()); then kills it.
 * *status is that of waitpid(). false: it was killed, because it had not ended
 * or could not be watched.
 */
bool child_wait(pid_t pid, int64_t until, int *status);

#endif
