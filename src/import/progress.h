/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a long task is, on standard error: one line that is redrawn, with
 * percentage and time left, where that is a terminal; else a line every few
 * seconds and one at the end of each step.
 */
#ifndef IMPORT_PROGRESS_H
#define IMPORT_PROGRESS_H

#include "base/base.h"

struct progress {
	bool quiet;
	bool terminal;
	const char *what; /* the step, borrowed */
	int64_t total;    /* 0: not known */
	int64_t begun_us;
	int64_t shown_us;
};

/* Looks where standard error leads. Quiet: nothing is ever written. */
void progress_init(struct progress *p, bool quiet);

/* A step begins: what it is ("reading ratings.csv"), and how much there is. */
void progress_begin(struct progress *p, const char *what, int64_t total);

/* So much of the total is done. Cheap: writes a few times a second at most. */
void progress_at(struct progress *p, int64_t done);

/* The step has ended. */
void progress_end(struct progress *p);

/* Takes the line away before something else is written. */
void progress_clear(const struct progress *p);

/* "42 s", "3 min 20 s", "2 h 5 min". Writes at most `size` bytes. */
void progress_duration(char *out, size_t size, int64_t us);

#endif
