/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declarations for all commands of mxmctl. Exit statuses are from sysexits.h.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/base.h"

struct conf;
struct db;
struct json;
struct row;
struct rows;

/* An option that was given. */
struct ctl_option {
	const char *name;  /* "--limit" */
	const char *value; /* "": a flag */
};

struct ctl {
	TALLOC_CTX *mem;
	const char *config;      /* the settings file */
	const struct conf *conf; /* NULL: not read */
	bool json;               /* print JSON */
	const char *command;     /* its name, for messages */
	const char *usage;       /* its usage line */
	struct ctl_option *options;
	size_t n_options;
};

/*
 * argv[0] is the last word of the command's name, then come its operands, as
 * many as its usage allows, and NULL. Returns the exit status.
 */
typedef int ctl_command(struct ctl *ctl, int argc, char **argv);

#define COMMAND(NAME, FUNCTION, NEEDS, USAGE, HELP) ctl_command FUNCTION;
#include "commands.def"
#undef COMMAND

/*
 * Reads the settings into ctl->conf and prints all errors in them; called
 * before a command that needs them. EX_OK or EX_CONFIG.
 */
int ctl_settings(struct ctl *ctl);

/* Whether mxmd is running on this host: tests its lock in run_dir. */
bool ctl_mxmd_runs(const struct ctl *ctl);

/* The path of a file or directory of the installed data. */
const char *ctl_data_path(TALLOC_CTX *mem, const char *name);

/*
 * Copies missing default pictures to media_root; false: failed, with a message
 * on standard error.
 */
bool ctl_default_pictures(const struct ctl *ctl);

/* Whether a directory is in media_root, which the web server publishes. */
bool ctl_is_in_media(const struct ctl *ctl, const char *folder);

/* Prints "mxmctl <command>: " and the message, which ends with a line feed. */
void ctl_error(const struct ctl *ctl, const char *fmt, ...) printf_like(2, 3);

/* Prints a message and the usage, and returns EX_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...) printf_like(2, 3);

/*
 * Prints the error of a statement, and a remedy if the database is unavailable.
 * EX_UNAVAILABLE or EX_DATAERR.
 */
int ctl_failed(struct ctl *ctl, struct db *db, enum err e);

/* The value of an option of the usage, the last one; NULL: it is not given. */
const char *ctl_option(const struct ctl *ctl, const char *name);

/* Whether to print progress: on a terminal without --quiet, or --progress. */
bool ctl_shows_progress(const struct ctl *ctl);

/* A connection for statements that take at most statement_timeout. */
struct db *ctl_database(struct ctl *ctl);

/* What mxmctl nginx-map prints; below ctl->mem. */
const char *ctl_nginx_map_text(struct ctl *ctl);

/* Start the JSON output; print it with a line feed, and return `status`. */
struct json *ctl_json(struct ctl *ctl);
int ctl_json_done(struct json *j, int status);

/* Prints all rows by `print`, or as a JSON list by `put`. EX_OK. */
int ctl_rows(struct ctl *ctl, const struct rows *rows,
    void (*print)(const struct row *),
    void (*put)(struct json *, const struct row *));

#endif
