/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line per message. Levels: error (a request failed), warning (degraded),
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
 * The events of events.def: their messages have an id in the journal, which
 * journalctl -x explains.
 */
enum log_event {
	EVENT_NONE,
#define EVENT(NAME, ID, SUBJECT, HELP) EVENT_##NAME,
#include "events.def"
#undef EVENT
	EVENT__MAX
};

/*
 * Sets the program name and the minimum level. Lines are plain text (time,
 * level, program), or have systemd's <N> priority prefix and no time if
 * $JOURNAL_STREAM is set. One write(2) per line, so that lines of several
 * workers do not mix.
 *
 * If $JOURNAL_STREAM names standard error, messages are sent to the socket of
 * journald instead, with fields: MESSAGE_ID and MXM_EVENT of an event,
 * MXM_REQUEST_ID, and those of log_field(). If that fails, they are written to
 * standard error as above. $MXM_JOURNAL_SOCKET overrides the path of the
 * socket.
 */
void log_open(const char *program, enum log_level level);

/* Overrides $JOURNAL_STREAM (setting log_target). */
void log_to_journal(bool yes);

/*
 * The request of the following lines, NULL: none; its trace is only a field in
 * the journal. Not copied.
 */
void log_request(const char *id, const char *trace);

/*
 * A field of the next message in the journal; `name` is static and begins with
 * MXM_. At most LOG_FIELDS, cut to LOG_FIELD_SIZE.
 */
#define LOG_FIELDS     8
#define LOG_FIELD_SIZE 160
void log_field(const char *name, const char *fmt, ...) printf_like(2, 3);

void log_event(enum log_level level, enum log_event event, const char *fmt, ...)
    printf_like(3, 4);
void log_error(const char *fmt, ...) printf_like(1, 2);
void log_warn(const char *fmt, ...) printf_like(1, 2);
void log_info(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

/* true if lines of that level are written */
bool log_wants(enum log_level level);

#endif
