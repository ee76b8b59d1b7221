/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines to standard error, one write(2) each. Control bytes in what is
 * logged become `?`, so that nobody outside forges a line of his own.
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

/* What stands before the text: priority, or time, level, program and process.
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

static void
write_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	size_t n, i;
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
	for (i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	/* nowhere to report that a report could not be made */
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
