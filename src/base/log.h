/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line per event. Levels: error (a request is lost), warning (degraded),
 * info (one line per request, life-cycle), debug. Lines carry the id of the
 * request they belong to. Never tokens, codes, passwords, bodies or mail
 * addresses.
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
 * Names the program, chooses the least important level that is written, and
 * whether lines go to standard error as plain text (time, level, program) or
 * with systemd's <N> priority prefix and no time (when $JOURNAL_STREAM is
 * set). One write(2) a line, so that lines of several workers never mix.
 */
void log_open(const char *program, enum log_level level);

/* Overrides what $JOURNAL_STREAM says (setting log_target). */
void log_to_journal(bool yes);

/* The request id that following lines carry; NULL for none. Borrowed. */
void log_request(const char *id);

void log_error(const char *fmt, ...) printf_like(1, 2);
void log_warn(const char *fmt, ...) printf_like(1, 2);
void log_info(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

/* true when lines of that level are written */
bool log_wants(enum log_level level);

#endif
