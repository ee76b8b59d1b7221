/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Progress of long tasks on standard error: on a terminal one line with
 * percentage and remaining time, which is redrawn; else, if it is wanted at
 * all, a line every few seconds and at the end of each step.
 */
#ifndef IMPORT_PROGRESS_H
#define IMPORT_PROGRESS_H

#include "base/base.h"

struct progress {
	bool quiet;
	bool terminal;
	const char *what; /* the step, not copied */
	int64_t total;    /* 0: not known */
	int64_t begun_us;
	int64_t shown_us;
};

/* Checks whether standard error is a terminal. Not shown: writes nothing. */
void progress_init(struct progress *p, bool shown);

/* Begins a step: its name ("reading ratings.csv") and its total. */
void progress_begin(struct progress *p, const char *what, int64_t total);

/* Sets the progress. Cheap: writes at most a few times a second. */
void progress_at(struct progress *p, int64_t done);

/* Ends the step. */
void progress_end(struct progress *p);

/* Clears the line before other output. */
void progress_clear(const struct progress *p);

/* "42 s", "3 min 20 s", "2 h 5 min". Writes at most `size` bytes. */
void progress_duration(char *out, size_t size, int64_t us);

#endif
