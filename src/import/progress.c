/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Progress on standard error.
 */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "import/progress.h"

#define SECOND_US        INT64_C(1000000)
#define REDRAW_US        (SECOND_US / 8)
#define LINE_US          (5 * SECOND_US)
#define LEFT_KNOWN_AFTER (SECOND_US / 2)

void
progress_init(struct progress *p, bool shown)
{
	memset(p, 0, sizeof *p);
	p->quiet = !shown;
	p->terminal = isatty(STDERR_FILENO) == 1;
}

void
progress_duration(char *out, size_t size, int64_t us)
{
	int64_t s = (us + SECOND_US / 2) / SECOND_US;

	if (us < 10 * SECOND_US)
		snprintf(out, size, "%.1f s", (double)us / (double)SECOND_US);
	else if (s < 60)
		snprintf(out, size, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(
		    out, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		snprintf(out, size, "%" PRId64 " h %" PRId64 " min", s / 3600,
		    s % 3600 / 60);
}

/* "  43 %, 12 s left", as far as it is known. */
static void
describe(const struct progress *p, int64_t done, char *out, size_t size)
{
	int64_t spent = clock_steady_us() - p->begun_us;
	char left[32];
	double part;

	out[0] = '\0';
	if (p->total <= 0 || done <= 0)
		return;
	if (done > p->total)
		done = p->total;
	part = (double)done / (double)p->total;
	if (spent < LEFT_KNOWN_AFTER) {
		snprintf(out, size, " %3.0f %%", 100 * part);
		return;
	}
	progress_duration(
	    left, sizeof left, (int64_t)((double)spent / part * (1 - part)));
	snprintf(out, size, " %3.0f %%, %s left", 100 * part, left);
}

static void
show(struct progress *p, int64_t done)
{
	char state[64];

	p->shown_us = clock_steady_us();
	describe(p, done, state, sizeof state);
	if (p->terminal)
		fprintf(stderr, "\r%s%s\033[K", p->what, state);
	else
		fprintf(stderr, "%s:%s\n", p->what, state);
	fflush(stderr);
}

void
progress_begin(struct progress *p, const char *what, int64_t total)
{
	p->what = what;
	p->total = total;
	p->begun_us = p->shown_us = clock_steady_us();
	if (!p->quiet && p->terminal)
		show(p, 0);
}

void
progress_at(struct progress *p, int64_t done)
{
	int64_t since;

	if (p->quiet)
		return;
	since = clock_steady_us() - p->shown_us;
	if (since >= (p->terminal ? REDRAW_US : LINE_US))
		show(p, done);
}

void
progress_end(struct progress *p)
{
	char took[32];

	if (p->quiet)
		return;
	progress_clear(p);
	progress_duration(took, sizeof took, clock_steady_us() - p->begun_us);
	fprintf(stderr, "%s: done in %s\n", p->what, took);
	p->what = NULL;
}

void
progress_clear(const struct progress *p)
{
	if (!p->quiet && p->terminal)
		fputs("\r\033[K", stderr);
}
