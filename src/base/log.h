/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line per event. Levels: error (a request failed), warning (degraded),
 * info (one line per request, start and stop), debug. Lines have the id of
 * their request. Never log tokens, codes, passwords, bodies or mail addresses.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/*
 * Sets the program name and the minimum level. Lines are plain text (time,
 * level, program), or have systemd's <N> priority prefix and no time if
 * $JOURNAL_STREAM is set. One write(2) per line, so that lines of several
 * workers do not mix.
 */
void log_open(const char *program, enum log_level level);

/* Overrides $JOURNAL_STREAM (setting log_target). */
void log_to_journal(bool yes);

/* The request id of the following lines; NULL: none. Not copied. */
void log_request(const char *id);

void log_error(const char *fmt, ...) printf_like(1, 2);
void log_warn(const char *fmt, ...) printf_like(1, 2);
void log_info(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

/* true if lines of that level are written */
bool log_wants(enum log_level level);

#endif
