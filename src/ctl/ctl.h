/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every command of mxmctl sees. Exit statuses are those of sysexits.h.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/base.h"

struct conf;
struct json;

struct ctl {
	TALLOC_CTX *mem;
	const char *config;      /* the settings' file */
	const struct conf *conf; /* NULL: the command needs none */
	bool json;               /* answers are to be read by programs */
	const char *command;     /* its name, for messages */
	const char *usage;       /* its usage line */
};

/* argv[0] is the command's name; returns the exit status. */
typedef int ctl_command(struct ctl *ctl, int argc, char **argv);

#define COMMAND(NAME, FUNCTION, NEEDS, USAGE, HELP) ctl_command FUNCTION;
#include "commands.def"
#undef COMMAND

/*
 * Reads the settings into ctl->conf, as is done before a command that needs
 * them, and says all that is wrong with them. EX_OK or EX_CONFIG.
 */
int ctl_settings(struct ctl *ctl);

/* Does mxmd run here? Asked of the lock in run_dir. */
bool ctl_mxmd_runs(const struct ctl *ctl);

/* Folder of the demonstration, which comes with the program. */
const char *ctl_demo_folder(TALLOC_CTX *mem);

/*
 * Puts the default pictures that are missing into media_root; false: something
 * stands in the way, and was told on standard error, with what to do.
 */
bool ctl_default_pictures(const struct ctl *ctl);

/* mxmctl check sql: all statements against the migrated schema. */
ctl_command ctl_check_sql;

/* Complains about the command line and returns EX_USAGE. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...) printf_like(2, 3);

/*
 * For commands without options of their own: takes --json, refuses the rest.
 * Returns EX_OK or EX_USAGE.
 */
int ctl_plain(struct ctl *ctl, int argc, char **argv);

/* Starts a JSON answer, and prints it with a line feed. */
struct json *ctl_json(struct ctl *ctl);
int ctl_json_done(struct json *j, int status);

#endif
