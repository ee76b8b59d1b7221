/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines to standard error, one write(2) each. Control characters in logged
 * values are replaced by `?`, so that clients cannot forge lines; so are
 * invisible characters and those that change the direction of the text.
 */
#include "base/base.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LINE_SIZE 4096

static struct {
	const char *program;
	const char *request;
	enum log_level level;
	bool journal;
} state = { "moviesxmovies", NULL, LOG_LEVEL_INFO, false };

static const struct {
	const char *word;
	int priority; /* of syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

void
log_open(const char *program, enum log_level level)
{
	const char *stream = getenv("JOURNAL_STREAM");

	state.program = program;
	state.level = level;
	state.journal = stream && stream[0];
}

void
log_to_journal(bool yes)
{
	state.journal = yes;
}

void
log_request(const char *id)
{
	state.request = id;
}

bool
log_wants(enum log_level level)
{
	return level <= state.level;
}

/* The prefix of a line: priority, or time, level, program and process.
 */
static int
put_head(char *line, size_t size, enum log_level level)
{
	char now[CLOCK_ISO_SIZE];
	int64_t us = clock_now_us();
	int n;

	if (state.journal) {
		n = snprintf(line, size, "<%d>", levels[level].priority);
	} else {
		clock_iso(now, us);
		n = snprintf(line, size, "%.19s.%03dZ %s %s[%d]: ", now,
		    (int)(us / 1000 % 1000), levels[level].word, state.program,
		    (int)getpid());
	}
	if (state.request)
		n += snprintf(
		    line + n, size - (size_t)n, "[%.64s] ", state.request);
	return n;
}

/*
 * Length of an unsafe character at s: controls (also those of two bytes in
 * UTF-8), direction marks, line separators, and characters without width. The
 * text is NUL-terminated.
 */
static size_t
unseemly(const char *s)
{
	const unsigned char *b = (const unsigned char *)s;

	if (b[0] < 0x20 || b[0] == 0x7f)
		return 1;
	if (b[0] == 0xc2 && b[1] >= 0x80 && b[1] <= 0x9f) /* U+0080 to 009F */
		return 2;
	if (b[0] == 0xd8 && b[1] == 0x9c) /* U+061C */
		return 2;
	if (b[0] == 0xe2 && b[1] == 0x80 &&
	    ((b[2] >= 0x8b && b[2] <= 0x8f) || (b[2] >= 0xa8 && b[2] <= 0xae)))
		return 3; /* U+200B to 200F, 2028 to 202E */
	if (b[0] == 0xe2 && b[1] == 0x81 && b[2] >= 0xa0 && b[2] <= 0xaf)
		return 3; /* U+2060 to 206F */
	if (b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf)
		return 3; /* U+FEFF */
	return 0;
}

/* Replaces each of them by `?`; returns the new length. */
static size_t
clean(char *line, size_t n)
{
	size_t from, to = 0, skip;

	for (from = 0; from < n; from += skip ? skip : 1) {
		skip = unseemly(line + from);
		line[to++] = skip ? '?' : line[from];
	}
	return to;
}

static void
write_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	size_t n;
	int put;

	if (!log_wants(level))
		return;
	n = (size_t)put_head(line, sizeof line, level);
	put = vsnprintf(line + n, sizeof line - n, fmt, ap);
	if (put < 0)
		return;
	n += (size_t)put;
	if (n > sizeof line - 1)
		n = sizeof line - 1;
	n = clean(line, n);
	line[n++] = '\n';
	/* a failure to log cannot be reported */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

#define LOG_FUNCTION(NAME, LEVEL)           \
	void NAME(const char *fmt, ...)     \
	{                                   \
		va_list ap;                 \
                                            \
		va_start(ap, fmt);          \
		write_line(LEVEL, fmt, ap); \
		va_end(ap);                 \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
