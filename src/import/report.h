/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of an import: how many rows of each kind it read, added, changed
 * and left unchanged, and skipped lines with file, line and reason.
 */
#ifndef IMPORT_REPORT_H
#define IMPORT_REPORT_H

#include "base/base.h"

#define REPORT_TALLIES 16
#define REPORT_REASONS 24
#define REPORT_SKIPS   100

struct json; /* base/json.h, which conflicts with json-c */

struct tally {
	const char *what; /* "movies" */
	long read;
	long added;
	long changed;
	long skipped;
};

struct skip {
	const char *file;
	long line;
	char *why;
};

/* Skips of one sort, such as "unknown movie". */
struct reason {
	const char *what;
	long count;
};

struct report {
	TALLOC_CTX *mem; /* for the texts of skips */
	int n_tallies;
	int n_reasons;
	int n_skips;  /* stored: the first ones */
	long skipped; /* all */
	struct tally tallies[REPORT_TALLIES];
	struct reason reasons[REPORT_REASONS];
	struct skip skips[REPORT_SKIPS];
};

void report_init(struct report *r, TALLOC_CTX *mem);

/* The tally of that name, created if new. Names are static. */
struct tally *report_tally(struct report *r, const char *what);

/*
 * Adds a skipped line. `sort` and `file` are static texts; the message is the
 * reason. Only the first REPORT_SKIPS are stored, all are counted.
 */
void report_skip(struct report *r, const char *file, long line,
    const char *sort, const char *fmt, ...) printf_like(5, 6);

/* Counts `n` more of a sort without storing them. */
void report_skip_more(struct report *r, const char *sort, long n);

/* As lines of text: the skips to `to`, the table of tallies to `to`. */
void report_print_skips(const struct report *r, FILE *to);
void report_print(const struct report *r, FILE *to);

/* The members "counts" and "skipped" of a JSON object. */
void report_json(const struct report *r, struct json *j);

#endif
