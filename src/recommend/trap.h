/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mapped file can be cut off by whoever may write it, and then the next look
 * at what is gone is a SIGBUS. Here such a look ends the computation, not the
 * process.
 */
#ifndef RECOMMEND_TRAP_H
#define RECOMMEND_TRAP_H

#include "base/base.h"

/* A mapping, and whether it has been found cut off. */
struct trap {
	const char *at;
	size_t size;
	bool sprung; /* once true, it stays so */
};

/*
 * Calls run(arg). true: it has come to its end. false: the mapping was cut off,
 * at once if that is known already, and run() was left where it stood: what it
 * has written is worth nothing, but what it has put below a talloc context is
 * freed with that. So run() computes and allocates, no more: no lock, no file,
 * no database, and no trap_run() inside.
 *
 * `t` may be NULL, for memory that nobody can cut off. A SIGBUS anywhere but in
 * the mapping does what it did before the first call.
 */
must_check bool trap_run(struct trap *t, void (*run)(void *arg), void *arg);

#endif
