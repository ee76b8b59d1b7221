/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of an import: how many rows of each kind it read, added, changed
 * and left unchanged; what it did not take, by file, lines and reason: rows
 * that are skipped, values that are dropped from a row that is taken, or
 * changed, and rows that the filters exclude; and the likely causes.
 */
#ifndef IMPORT_REPORT_H
#define IMPORT_REPORT_H

#include "base/base.h"

#include <stdarg.h>

#define REPORT_TALLIES 24
#define REPORT_NOTES   100
#define REPORT_CAUSES  16

struct json; /* base/json.h, which conflicts with json-c */

struct tally {
	const char *what; /* "movies" */
	long read;
	long added;
	long changed;
	long skipped;
	long filtered;
};

enum report_kind {
	REPORT_SKIPPED,  /* a row */
	REPORT_DROPPED,  /* a value of a row; the rest counts */
	REPORT_ADJUSTED, /* a value that was changed to fit */
	REPORT_FILTERED, /* a row, by an option; only counted */
	REPORT_KINDS
};

/* What was not taken. File and reason, such as "unknown movie", are static. */
struct report_at {
	enum report_kind kind;
	const char *file;
	const char *what;
	long line;
	long last; /* 0: as line */
};

/* Consecutive lines with the same message. */
struct note {
	struct report_at at;
	long count;
	char *why;
};

/* All of a kind, file and reason; from the first line to the last. */
struct reason {
	struct report_at at;
	long count;
};

struct cause {
	const char *file;
	const char *what;
	long line; /* the first one */
	long count;
};

struct report {
	TALLOC_CTX *mem;
	int n_tallies;
	int n_reasons;
	int n_notes; /* the first ones */
	int n_causes;
	long total[REPORT_KINDS];
	struct tally tallies[REPORT_TALLIES];
	struct reason *reasons; /* below mem */
	struct note notes[REPORT_NOTES];
	struct cause causes[REPORT_CAUSES];
};

void report_init(struct report *r, TALLOC_CTX *mem);

/* The tally of that name, created if new. Names are static. */
struct tally *report_tally(struct report *r, const char *what);

/*
 * Adds what was not taken; the message is the reason. Only the first
 * REPORT_NOTES messages are stored, of consecutive lines with the same one only
 * one; all are counted.
 */
void report_add(struct report *r, const struct report_at *at, const char *fmt,
    ...) printf_like(3, 4);
void report_vadd(struct report *r, const struct report_at *at, const char *fmt,
    va_list ap) printf_like(3, 0);

/* As report_add() for one line. */
void report_skip(struct report *r, const char *file, long line,
    const char *what, const char *fmt, ...) printf_like(5, 6);
void report_drop(struct report *r, const char *file, long line,
    const char *what, const char *fmt, ...) printf_like(5, 6);

/* Counts `n` more without a message. */
void report_count(struct report *r, const struct report_at *at, long n);

/*
 * Adds the likely cause of a fault (import/cause.h), a static text; NULL:
 * ignored.
 */
void report_cause(
    struct report *r, const char *file, long line, const char *cause);

/* All that was skipped, dropped and adjusted. */
long report_faults(const struct report *r);

/* As lines of text: the messages and causes to `to`, the tables to `to`. */
void report_print_notes(const struct report *r, FILE *to);
void report_print(const struct report *r, FILE *to);

/*
 * The members "counts", "skipped", "dropped", "adjusted", "filtered",
 * "reasons" and "causes" of a JSON object.
 */
void report_json(const struct report *r, struct json *j);

#endif
