/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings: one typed member of struct conf for each row of settings.def.
 * Read from the file, then from conf.d/<name>.conf in its directory in order,
 * then from the environment (MXM_ and the name in capitals); secrets also from
 * separate files, and first of all from systemd credentials.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/base.h"

#include "base/log.h"

#ifndef MXM_SYSCONFDIR
#define MXM_SYSCONFDIR "/etc"
#endif
#define CONF_FILE MXM_SYSCONFDIR "/moviesxmovies/mxm.conf"

enum conf_transport { MAIL_SMTP, MAIL_SENDMAIL, MAIL_FILE };
enum conf_target { TARGET_AUTO, TARGET_JOURNAL, TARGET_STDERR };

enum conf_flags {
	AT_START = 1, /* a change requires a restart */
	IN_RUN = 2,   /* relative paths are in run_dir */
	HIDDEN = 4    /* a secret */
};

enum conf_type {
	CONF_ADDRESS,
	CONF_BYTES,
	CONF_KEY,
	CONF_LEVEL,
	CONF_LIMIT,
	CONF_MILLIS,
	CONF_MODE,
	CONF_ORIGIN,
	CONF_ORIGINS,
	CONF_PATH,
	CONF_SECONDS,
	CONF_SHARE,
	CONF_SMTP,
	CONF_SOCKETS,
	CONF_SWITCH,
	CONF_TARGET,
	CONF_TEXT,
	CONF_TRANSPORT,
	CONF_WORKERS
};

/* The C type of each type of setting. Texts are never NULL. */
#define CONF_C_ADDRESS   const char *
#define CONF_C_BYTES     size_t
#define CONF_C_KEY       const char *
#define CONF_C_LEVEL     enum log_level
#define CONF_C_LIMIT     int
#define CONF_C_MILLIS    int64_t
#define CONF_C_MODE      mode_t
#define CONF_C_ORIGIN    const char *
#define CONF_C_ORIGINS   const char *
#define CONF_C_PATH      const char *
#define CONF_C_SECONDS   int64_t
#define CONF_C_SHARE     double
#define CONF_C_SMTP      const char *
#define CONF_C_SOCKETS   const char *
#define CONF_C_SWITCH    bool
#define CONF_C_TARGET    enum conf_target
#define CONF_C_TEXT      const char *
#define CONF_C_TRANSPORT enum conf_transport
#define CONF_C_WORKERS   int

enum conf_id {
#define SETTING(NAME, TYPE, DEFAULT, FLAGS, HELP) CONF_ID_##NAME,
#include "settings.def"
#undef SETTING
	CONF__MAX
};

struct conf {
#define SETTING(NAME, TYPE, DEFAULT, FLAGS, HELP) CONF_C_##TYPE NAME;
#include "settings.def"
#undef SETTING
	const char *text[CONF__MAX];   /* in the format of the file */
	const char *source[CONF__MAX]; /* "mxm.conf:12"; NULL: the default */
	/* the line of `file` that a file of conf.d overrides; NULL: none */
	const char *overridden[CONF__MAX];
	const char *file;
};

/* One row of settings.def. */
struct conf_setting {
	const char *name;
	enum conf_type type;
	const char *standard; /* the default */
	unsigned flags;
	const char *help;
	size_t offset; /* of the member in struct conf */
};

extern const struct conf_setting conf_settings[CONF__MAX];

/* All errors, each a line with place, setting, fault and remedy. */
struct conf_errors {
	char **list;
	size_t n;
};

/*
 * Reads the settings, allocated below `mem`. ERR_NOT_FOUND: a file could not be
 * read; ERR_INVALID: they have errors. Then `errors` has all of them, and *out
 * the valid settings and defaults. Errors are allocated below `mem`.
 */
enum err conf_load(TALLOC_CTX *mem, const char *file, struct conf **out,
    struct conf_errors *errors);

/* Where a setting was set ("mxm.conf:12"); the file if it is a default. */
const char *conf_place(const struct conf *conf, enum conf_id id);

/* Adds an error; allocated below `conf`. */
void conf_add_error(struct conf *conf, struct conf_errors *errors,
    const char *fmt, ...) printf_like(3, 4);

/* Whether the value is the default. */
bool conf_is_default(const struct conf *conf, enum conf_id id);

/*
 * Names of changed settings that require a restart, separated by commas; NULL:
 * none. Allocated below `mem`.
 */
char *conf_needs_restart(
    TALLOC_CTX *mem, const struct conf *old, const struct conf *new);

/* log_open() with the settings' level and target. */
void conf_log(const struct conf *conf, const char *program);

#endif
