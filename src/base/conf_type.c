/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One parser per type of setting. Each returns the fault, or NULL; the remedies
 * are in the table at the end.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/conf_type.h"
#include "base/mem.h"
#include "base/text.h"

#define WORKERS_MAX 1024
#define LIMIT_MAX   1000000
#define YEARS_MS    (INT64_C(10) * 366 * 86400 * 1000)
#define BYTES_MAX   (INT64_C(1) << 30)
#define SOCKET_MAX  107 /* size of sun_path without its NUL */

typedef const char *reader(TALLOC_CTX *mem, const char **text, void *out);

static const char *
read_text(TALLOC_CTX *mem, const char **text, void *out)
{
	(void)mem;
	*(const char **)out = *text;
	return NULL;
}

static const char *
read_path(TALLOC_CTX *mem, const char **text, void *out)
{
	if (**text && **text != '/')
		return "is not an absolute path";
	return read_text(mem, text, out);
}

static const char *
read_address(TALLOC_CTX *mem, const char **text, void *out)
{
	if (**text && !text_is_sender(*text))
		return "is not a mail address";
	return read_text(mem, text, out);
}

/* Calls each() with every part between commas, trimmed. */
static const char *
read_list(TALLOC_CTX *mem, const char **text, void *out,
    const char *(*each)(TALLOC_CTX *, const char **))
{
	const char *at = *text, *fault, *part;
	struct buf list;
	size_t n;

	buf_init(&list, mem, 64);
	for (;; at += n + 1) {
		n = strcspn(at, ",");
		part = text_trim(mem, mem_textn(mem, at, n));
		if (*part) {
			fault = each(mem, &part);
			if (fault) /* static, not part of `part` */
				/* cppcheck-suppress returnDanglingLifetime */
				return fault;
			if (list.len > 0)
				buf_putc(&list, ',');
			buf_puts(&list, part);
		} else if (at[n] || list.len > 0) {
			return "has an empty item";
		}
		if (!at[n])
			break;
	}
	*text = list.data;
	return read_text(mem, text, out);
}

static const char *
check_socket(TALLOC_CTX *mem, const char **text)
{
	(void)mem;
	if (**text != '/')
		return "is not a list of absolute paths";
	return strlen(*text) > SOCKET_MAX ?
		   "has a path of more than 107 bytes, too long for a socket" :
		   NULL;
}

static const char *
read_sockets(TALLOC_CTX *mem, const char **text, void *out)
{
	return read_list(mem, text, out, check_socket);
}

/* Whether it is a host with an optional port. */
static bool
is_authority(const char *s)
{
	size_t n, port;

	if (*s == '[') {
		n = strspn(s + 1, "0123456789abcdefABCDEF:.");
		if (n < 2 || s[1 + n] != ']')
			return false;
		n += 2;
	} else {
		n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-._"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (n == 0)
			return false;
	}
	if (s[n] != ':')
		return s[n] == '\0';
	port = strspn(s + n + 1, "0123456789");
	return port > 0 && port <= 5 && s[n + 1 + port] == '\0';
}

/* Lower case, without a trailing slash, as in an Origin header. */
static const char *
check_origin(TALLOC_CTX *mem, const char **text)
{
	char *origin = text_lower_ascii(mem, *text);
	const char *host = strstr(origin, "://");
	size_t n = strlen(origin);

	if (!host || (strncmp(origin, "http://", 7) != 0 &&
			 strncmp(origin, "https://", 8) != 0))
		return "is not an origin";
	if (origin[n - 1] == '/')
		origin[n - 1] = '\0';
	if (!is_authority(host + 3))
		return "is not an origin";
	*text = origin;
	return NULL;
}

static const char *
read_origin(TALLOC_CTX *mem, const char **text, void *out)
{
	const char *fault = **text ? check_origin(mem, text) : NULL;

	return fault ? fault : read_text(mem, text, out);
}

static const char *
read_origins(TALLOC_CTX *mem, const char **text, void *out)
{
	return read_list(mem, text, out, check_origin);
}

/* Only the scheme: a user, a password and a path may follow. */
static const char *
read_smtp(TALLOC_CTX *mem, const char **text, void *out)
{
	const char *host = strstr(*text, "://");

	if (!host || !host[3] ||
	    (strncasecmp(*text, "smtp:", 5) != 0 &&
		strncasecmp(*text, "smtps:", 6) != 0))
		return "is not the URL of a mail server";
	return read_text(mem, text, out);
}

static const char *
read_number(const char *text, int64_t most, void *out)
{
	int64_t value;

	if (!text_is_digits(text) || !text_to_int64(text, &value))
		return "is not a number";
	if (value > most)
		return "is too large";
	*(int *)out = (int)value;
	return NULL;
}

static const char *
read_workers(TALLOC_CTX *mem, const char **text, void *out)
{
	(void)mem;
	return read_number(*text, WORKERS_MAX, out);
}

static const char *
read_limit(TALLOC_CTX *mem, const char **text, void *out)
{
	(void)mem;
	return read_number(*text, LIMIT_MAX, out);
}

static const char *
read_mode(TALLOC_CTX *mem, const char **text, void *out)
{
	mode_t mode = 0;
	const char *p;

	(void)mem;
	if (strlen(*text) < 3 || strlen(*text) > 4)
		return "is not a file mode";
	for (p = *text; *p; p++) {
		if (*p < '0' || *p > '7')
			return "is not a file mode";
		mode = mode * 8 + (mode_t)(*p - '0');
	}
	if (mode > 0777)
		return "is not a file mode";
	*(mode_t *)out = mode;
	return NULL;
}

static const char *
read_switch(TALLOC_CTX *mem, const char **text, void *out)
{
	(void)mem;
	if (strcmp(*text, "on") != 0 && strcmp(*text, "off") != 0)
		return "is not a switch";
	*(bool *)out = strcmp(*text, "on") == 0;
	return NULL;
}

/* Digits and one of the units; else false. */
struct unit {
	const char *name;
	int64_t times;
};

static bool
read_units(const char *text, const struct unit *units, int64_t *out)
{
	size_t n = strspn(text, "0123456789");
	char digits[20] = "";

	if (n == 0 || n > 15)
		return false;
	memcpy(digits, text, n);
	if (!text_to_int64(digits, out))
		return false;
	for (; units->name; units++) {
		if (strcmp(text + n, units->name) != 0)
			continue;
		if (*out > INT64_MAX / units->times)
			return false;
		*out *= units->times;
		return true;
	}
	return false;
}

static const char *
read_millis(TALLOC_CTX *mem, const char **text, void *out)
{
	static const struct unit units[] = { { "", 1000 }, { "s", 1000 },
		{ "ms", 1 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { 0 } };
	int64_t value;

	(void)mem;
	if (!read_units(*text, units, &value))
		return "is not a duration";
	if (value > YEARS_MS)
		return "is longer than ten years";
	*(int64_t *)out = value;
	return NULL;
}

static const char *
read_seconds(TALLOC_CTX *mem, const char **text, void *out)
{
	const char *fault;
	int64_t ms;

	fault = read_millis(mem, text, &ms);
	if (fault)
		return fault;
	if (ms < 1000 || ms % 1000 != 0)
		return "is not a whole number of seconds";
	*(int64_t *)out = ms / 1000;
	return NULL;
}

static const char *
read_bytes(TALLOC_CTX *mem, const char **text, void *out)
{
	static const struct unit units[] = { { "", 1 }, { "K", 1 << 10 },
		{ "k", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { 0 } };
	int64_t value;

	(void)mem;
	if (!read_units(*text, units, &value) || value < 1)
		return "is not a size";
	if (value > BYTES_MAX)
		return "is more than 1G";
	*(size_t *)out = (size_t)value;
	return NULL;
}

/* 0 to 1, or a percentage. */
static const char *
read_share(TALLOC_CTX *mem, const char **text, void *out)
{
	double value;
	char *end;

	(void)mem;
	if (strspn(*text, "0123456789.") == 0)
		return "is not a share";
	value = strtod(*text, &end);
	if (strcmp(end, "%") == 0)
		value /= 100;
	else if (*end)
		return "is not a share";
	if (!(value <= 1))
		return "is greater than 100%";
	*(double *)out = value;
	return NULL;
}

/* The index of a text in a list of words; -1: not found. */
static int
word_of(const char *text, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static const char *
read_transport(TALLOC_CTX *mem, const char **text, void *out)
{
	static const char *const words[] = { "smtp", "sendmail", "file", NULL };
	int i = word_of(*text, words);

	(void)mem;
	if (i < 0)
		return "is not a mail transport";
	*(enum conf_transport *)out = (enum conf_transport)i;
	return NULL;
}

static const char *
read_level(TALLOC_CTX *mem, const char **text, void *out)
{
	static const char *const words[] = { "error", "warning", "info",
		"debug", NULL };
	int i = word_of(*text, words);

	(void)mem;
	if (i < 0)
		return "is not a log level";
	*(enum log_level *)out = (enum log_level)i;
	return NULL;
}

static const char *
read_target(TALLOC_CTX *mem, const char **text, void *out)
{
	static const char *const words[] = { "auto", "journal", "stderr",
		NULL };
	int i = word_of(*text, words);

	(void)mem;
	if (i < 0)
		return "is not a log target";
	*(enum conf_target *)out = (enum conf_target)i;
	return NULL;
}

static const struct {
	reader *read;
	const char *remedy;
} types[] = {
	[CONF_ADDRESS] = { read_address, "write name@host" },
	[CONF_BYTES] = { read_bytes,
	    "write a number of bytes, optionally with K or M" },
	[CONF_KEY] = { read_text, "" },
	[CONF_LEVEL] = { read_level, "write error, warning, info or debug" },
	[CONF_LIMIT] = { read_limit,
	    "write a whole number, 0 for no limit, at most 1000000" },
	[CONF_MILLIS] = { read_millis,
	    "write a number with ms, s, m, h or d, for example 30s" },
	[CONF_MODE] = { read_mode, "write three or four octal digits, "
				   "for example 0660" },
	[CONF_ORIGIN] = { read_origin,
	    "write scheme, host and optional port only, for "
	    "example https://movies.example.org" },
	[CONF_ORIGINS] = { read_origins,
	    "write origins separated by commas, for example "
	    "https://movies.example.org" },
	[CONF_PATH] = { read_path, "write a path that begins with a slash" },
	[CONF_SECONDS] = { read_seconds,
	    "write a number with s, m, h or d, for example 60m" },
	[CONF_SHARE] = { read_share,
	    "write a number from 0 to 1, or 0% to 100%" },
	[CONF_SMTP] = { read_smtp,
	    "write smtp:// or smtps://, host and port, for example "
	    "smtp://localhost:25" },
	[CONF_SOCKETS] = { read_sockets,
	    "write absolute paths separated by commas" },
	[CONF_SWITCH] = { read_switch, "write on or off" },
	[CONF_TARGET] = { read_target, "write auto, journal or stderr" },
	[CONF_TEXT] = { read_text, "" },
	[CONF_TRANSPORT] = { read_transport, "write smtp, sendmail or file" },
	[CONF_WORKERS] = { read_workers,
	    "write a whole number, 0 for automatic, at most 1024" },
};

bool
conf_type_read(TALLOC_CTX *mem, enum conf_type type, const char **text,
    void *out, struct conf_fault *fault)
{
	fault->what = types[type].read(mem, text, out);
	fault->remedy = types[type].remedy;
	return fault->what == NULL;
}
