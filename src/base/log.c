/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines to standard error, one write(2) each, or messages to journald, one
 * datagram each (systemd.io/JOURNAL_NATIVE_PROTOCOL). Control characters in
 * logged values are replaced by `?`, so that clients cannot forge lines; so are
 * invisible characters and those that change the direction of the text.
 */
#include "base/base.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LINE_SIZE      4096
#define DATAGRAM_SIZE  (LINE_SIZE + 2048)
#define PREFIX         3 /* length of "<N>" */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
	const char *program;
	const char *request;
	const char *trace;
	enum log_level level;
	bool journal; /* priorities instead of times */
	bool native;  /* standard error is the journal: send to its socket */
	int socket;   /* -1: not open */
	int n_fields;
	struct {
		const char *name;
		char value[LOG_FIELD_SIZE];
	} field[LOG_FIELDS];
} state = {
	.program = "moviesxmovies",
	.level = LOG_LEVEL_INFO,
	.socket = -1,
};

static const struct {
	const char *name;
	const char *id;
} events[EVENT__MAX] = {
#define EVENT(NAME, ID, SUBJECT, HELP) [EVENT_##NAME] = { #NAME, ID },
#include "events.def"
#undef EVENT
};

static const struct {
	const char *word;
	int priority; /* of syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

/* -1: there is none. */
static int
open_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("MXM_JOURNAL_SOCKET");
	int fd;

	if (!path)
		path = JOURNAL_SOCKET;
	if (strlen(path) >= sizeof to.sun_path)
		return -1;
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Whether standard error is the stream: "device:inode". */
static bool
is_stderr(const char *stream)
{
	struct stat st;
	char text[64];

	if (fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(text, stream) == 0;
}

void
log_open(const char *program, enum log_level level)
{
	const char *stream = getenv("JOURNAL_STREAM");

	state.program = program;
	state.level = level;
	state.journal = stream && stream[0];
	state.native = state.journal && is_stderr(stream);
	if (state.socket >= 0)
		close(state.socket);
	state.socket = -1;
}

void
log_to_journal(bool yes)
{
	state.journal = yes;
}

void
log_request(const char *id, const char *trace)
{
	state.request = id;
	state.trace = trace;
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

/* ----------------------------------------------------------------- journal */

void
log_field(const char *name, const char *fmt, ...)
{
	va_list ap;

	if (!state.native || state.n_fields == LOG_FIELDS)
		return;
	va_start(ap, fmt);
	vsnprintf(state.field[state.n_fields].value, LOG_FIELD_SIZE, fmt, ap);
	va_end(ap);
	state.field[state.n_fields++].name = name;
}

/* Appends "name=value" and the end of the line to a datagram. */
static void
put_field(char *out, size_t *n, const char *name, const char *value)
{
	size_t left = DATAGRAM_SIZE - *n, len = strlen(value);
	int put;

	put = snprintf(out + *n, left, "%s=", name);
	if (put < 0 || (size_t)put + len + 1 >= left)
		return;
	memcpy(out + *n + put, value, len + 1);
	*n += (size_t)put + clean(out + *n + put, len);
	out[(*n)++] = '\n';
}

/* Sends a datagram; journald may have been restarted since the last one. */
static bool
send_datagram(const char *p, size_t n)
{
	int tries;

	for (tries = 0; tries < 2; tries++) {
		if (state.socket < 0)
			state.socket = open_socket();
		if (state.socket < 0)
			return false;
		if (send(state.socket, p, n, MSG_NOSIGNAL) == (ssize_t)n)
			return true;
		close(state.socket);
		state.socket = -1;
	}
	return false;
}

/* `text` is the message without priority; false: failed. */
static bool
send_message(enum log_level level, enum log_event event, const char *text)
{
	char out[DATAGRAM_SIZE], priority[2] = { 0 };
	size_t n = 0;
	int i;

	priority[0] = (char)('0' + levels[level].priority);
	put_field(out, &n, "MESSAGE", text);
	put_field(out, &n, "PRIORITY", priority);
	put_field(out, &n, "SYSLOG_IDENTIFIER", state.program);
	if (event != EVENT_NONE) {
		put_field(out, &n, "MESSAGE_ID", events[event].id);
		put_field(out, &n, "MXM_EVENT", events[event].name);
	}
	if (state.request)
		put_field(out, &n, "MXM_REQUEST_ID", state.request);
	if (state.trace)
		put_field(out, &n, "MXM_TRACE_ID", state.trace);
	for (i = 0; i < state.n_fields; i++)
		put_field(out, &n, state.field[i].name, state.field[i].value);
	return send_datagram(out, n);
}

static void
write_line(
    enum log_level level, enum log_event event, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	bool sent;
	size_t n;
	int put;

	if (!log_wants(level)) {
		state.n_fields = 0;
		return;
	}
	n = (size_t)put_head(line, sizeof line, level);
	put = vsnprintf(line + n, sizeof line - n, fmt, ap);
	if (put < 0)
		return;
	n += (size_t)put;
	if (n > sizeof line - 1)
		n = sizeof line - 1;
	n = clean(line, n);
	line[n] = '\0';
	sent = state.journal && state.native &&
	       send_message(level, event, line + PREFIX);
	state.n_fields = 0;
	line[n++] = '\n';
	/* a failure to log cannot be reported */
	if (!sent && write(STDERR_FILENO, line, n) < 0)
		return;
}

#define LOG_FUNCTION(NAME, LEVEL)                       \
	void NAME(const char *fmt, ...)                 \
	{                                               \
		va_list ap;                             \
                                                        \
		va_start(ap, fmt);                      \
		write_line(LEVEL, EVENT_NONE, fmt, ap); \
		va_end(ap);                             \
	}

void
log_event(enum log_level level, enum log_event event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(level, event, fmt, ap);
	va_end(ap);
}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
