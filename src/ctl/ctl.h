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

struct ctl {
	TALLOC_CTX *mem;
	const char *config;      /* the settings file */
	const struct conf *conf; /* NULL: not read */
	bool json;               /* print JSON */
	const char *command;     /* its name, for messages */
	const char *usage;       /* its usage line */
};

/* argv[0] is the command's name; returns the exit status. */
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

/* mxmctl check sql: prepares all statements against the migrated schema. */
ctl_command ctl_check_sql;

/* Prints a message and the usage, and returns EX_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...) printf_like(2, 3);

/*
 * Prints the error of a statement, and a remedy if the database is unavailable.
 * EX_UNAVAILABLE or EX_DATAERR.
 */
int ctl_failed(struct ctl *ctl, struct db *db, enum err e);

/*
 * For commands without options of their own: accepts only --json.
 * Returns EX_OK or EX_USAGE.
 */
int ctl_plain(struct ctl *ctl, int argc, char **argv);

/* Start the JSON output; print it with a line feed, and return `status`. */
struct json *ctl_json(struct ctl *ctl);
int ctl_json_done(struct json *j, int status);

/* Prints all rows by `print`, or as a JSON list by `put`. EX_OK. */
int ctl_rows(struct ctl *ctl, const struct rows *rows,
    void (*print)(const struct row *),
    void (*put)(struct json *, const struct row *));

#endif
