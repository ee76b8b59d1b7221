/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mapped file can be truncated by any process that may write it; an access to
 * the missing pages then raises SIGBUS. Here it ends the computation instead of
 * the process.
 */
#ifndef RECOMMEND_TRAP_H
#define RECOMMEND_TRAP_H

#include "base/base.h"

/* A mapping, and whether it was found truncated. */
struct trap {
	const char *at;
	size_t size;
	bool truncated; /* once true, it stays so */
};

/*
 * Calls run(arg). true: it returned. false: the mapping is truncated; run() was
 * aborted, or not called if that was known. What it has written is then
 * undefined, but what it has allocated below a talloc context is freed with
 * that context. So run() only computes and allocates: it takes no lock, uses no
 * file and no database, and does not call trap_run().
 *
 * `t` may be NULL, for memory that cannot be truncated. A SIGBUS outside the
 * mapping is handled as before the first call.
 */
must_check bool trap_run(struct trap *t, void (*run)(void *arg), void *arg);

#endif
