/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The grammar of a command line, read from the usage line of the command
 * (commands.def), so that what is printed is what is accepted:
 *
 *	[--limit N] [TEXT]         an option with a value, an optional operand
 *	[--end ID | --end-all] U   one of two options; a required operand
 *	--format csv|json          a required option; its value is one of these
 *	[--set NAME=VALUE]... ID...  can be repeated
 *	[A B]                      optional operands
 *
 * Words in lower case are literal. --json and --help belong to every command.
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include "base/base.h"

#define ARGS_MAX 24 /* words of a usage line */

struct ctl;

/* An option or an operand of a usage line; the texts have no NUL at the end. */
struct args_word {
	const char *name; /* "--limit", "TEXT" */
	size_t size;
	const char *value; /* "N"; NULL: a flag, or an operand */
	size_t value_size;
	int brackets; /* 0: required; else the number of its brackets */
	bool repeated;
};

/* Reads a usage line into words[ARGS_MAX]; returns their number. */
size_t args_words(const char *usage, struct args_word *words);

/*
 * Checks the arguments by the usage of the command (ctl->usage) and stores its
 * options for ctl_option(). argv becomes [argv[0], operands …, NULL] and *argc
 * their number. EX_OK, or EX_USAGE after a message.
 */
int args_read(struct ctl *ctl, int *argc, char **argv);

#endif
