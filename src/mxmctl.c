/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl: administration. main() parses the options before the command, finds
 * the command in commands.def and runs it.
 */
#include "base/base.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "db/row.h"
#include "db/settings.h"

enum needs { NOTHING, CONF };

static const struct command {
	const char *name; /* "user list": a subcommand */
	ctl_command *run;
	enum needs needs;
	const char *usage; /* see ctl/args.h */
	const char *help;  /* a summary, and lines that only --help prints */
} commands[] = {
#define COMMAND(NAME, FUNCTION, NEEDS, USAGE, HELP) \
	{ NAME, FUNCTION, NEEDS, USAGE, HELP },
#include "commands.def"
#undef COMMAND
};

#define USAGE "usage: mxmctl [--config FILE] [--json] COMMAND [ARGUMENTS]\n"

/* ------------------------------------------------------------------- help */

static void
print_help(void)
{
	size_t i;

	printf(USAGE "\n");
	for (i = 0; i < array_len(commands); i++)
		printf("  %-21s %.*s\n", commands[i].name,
		    (int)strcspn(commands[i].help, "\n"), commands[i].help);
	printf("\n"
	       "  --config FILE  settings file (default %s)\n"
	       "  --json         print JSON\n"
	       "  --help         print this, or the usage of a command\n"
	       "  --version      print the version\n\n"
	       "See also the manual page mxmctl(8).\n",
	    CONF_FILE);
}

/* The subcommand in the name of a row of this group; NULL: of another one. */
static const char *
subcommand_of(const struct command *command, const char *group)
{
	size_t n = strlen(group);

	if (strncmp(command->name, group, n) != 0 || command->name[n] != ' ')
		return NULL;
	return command->name + n + 1;
}

static void
print_usage(const struct command *command)
{
	printf("usage: mxmctl %s%s%s\n", command->name,
	    *command->usage ? " " : "", command->usage);
}

/* The help of a command and of its subcommands. */
static int
print_group(const char *group)
{
	size_t i;

	for (i = 0; i < array_len(commands); i++) {
		if (strcmp(commands[i].name, group) != 0 &&
		    !subcommand_of(&commands[i], group))
			continue;
		print_usage(&commands[i]);
		printf("    %.*s\n", (int)strcspn(commands[i].help, "\n"),
		    commands[i].help);
	}
	return EX_OK;
}

static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------- finding a row */

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < array_len(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/*
 * The names of commands (group NULL) or of the subcommands of one, without
 * repetition; their number.
 */
static size_t
names_of(struct ctl *ctl, const char *group, const char **names)
{
	const char *name;
	size_t i, n = 0;

	for (i = 0; i < array_len(commands); i++) {
		name = group ? subcommand_of(&commands[i], group) :
			       commands[i].name;
		if (!name)
			continue;
		name = mem_textn(ctl->mem, name, strcspn(name, " "));
		if (n == 0 || strcmp(names[n - 1], name) != 0)
			names[n++] = name;
	}
	return n;
}

/* `word` is no command, or no subcommand of `group`; NULL: it is missing. */
static int
unknown_command(struct ctl *ctl, const char *group, const char *word)
{
	const char *names[array_len(commands)], *near = NULL;
	size_t n = names_of(ctl, group, names), i;

	fprintf(stderr, "mxmctl%s%s: ", group ? " " : "", group ? group : "");
	if (word) {
		near = suggest(word, names, n);
		fprintf(stderr, "unknown %scommand \"%s\"", group ? "sub" : "",
		    word);
	} else {
		fprintf(
		    stderr, group ? "missing subcommand" : "no command given");
	}
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?\n", near);
	else
		fprintf(stderr, "%s\n", group ? "" : "; see mxmctl --help");
	if (!group) {
		fprintf(stderr, USAGE);
		return EX_USAGE;
	}
	fprintf(stderr, "usage: mxmctl %s", group);
	for (i = 0; i < n; i++)
		fprintf(stderr, "%s%s", i > 0 ? " | " : " ", names[i]);
	fprintf(stderr, " [ARGUMENTS]\n");
	return EX_USAGE;
}

/*
 * The row of the command line, whose first argument is then the last word of
 * the command. NULL: *status is the exit status after a message or help.
 */
static const struct command *
match_command(struct ctl *ctl, int *argc, char ***argv, int *status)
{
	const char *names[array_len(commands)];
	char *group = **argv, *word;
	const struct command *command = find_command(group), *sub;

	while (*argc > 1 && strcmp((*argv)[1], "--json") == 0) {
		ctl->json = true;
		(*argc)--;
		(*argv)++;
	}
	**argv = group;
	if (names_of(ctl, group, names) == 0) {
		if (!command)
			*status = unknown_command(ctl, NULL, group);
		return command;
	}
	word = *argc > 1 && (*argv)[1][0] != '-' ? (*argv)[1] : NULL;
	if (word) {
		sub = find_command(mem_printf(ctl->mem, "%s %s", group, word));
		if (!sub)
			*status = unknown_command(ctl, group, word);
		(*argc)--;
		(*argv)++;
		return sub;
	}
	if (wants_help(*argc, *argv)) {
		*status = print_group(group);
		return NULL;
	}
	if (!command)
		*status = unknown_command(ctl, group, NULL);
	return command;
}

/* ------------------------------------------------------- for the commands */

void
ctl_error(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mxmctl %s: ", ctl->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

int
ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mxmctl %s: ", ctl->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: mxmctl %s%s%s\n", ctl->command,
	    *ctl->usage ? " " : "", ctl->usage);
	return EX_USAGE;
}

struct json *
ctl_json(struct ctl *ctl)
{
	struct json *j = mem_new(ctl->mem, struct json);
	struct buf *out = mem_new(ctl->mem, struct buf);

	buf_init(out, ctl->mem, 4096);
	json_init(j, out);
	return j;
}

int
ctl_json_done(struct json *j, int status)
{
	assert(j->depth == 0);
	printf("%s\n", j->out->data);
	return status;
}

int
ctl_rows(struct ctl *ctl, const struct rows *rows,
    void (*print)(const struct row *),
    void (*put)(struct json *, const struct row *))
{
	struct json *j = ctl->json ? ctl_json(ctl) : NULL;
	struct row row;
	int i;

	if (j)
		json_list(j);
	for (i = 0; i < rows->count; i++) {
		rows_at(rows, i, &row);
		if (j)
			put(j, &row);
		else
			print(&row);
	}
	if (!j)
		return EX_OK;
	json_list_end(j);
	return ctl_json_done(j, EX_OK);
}

int
ctl_settings(struct ctl *ctl)
{
	struct conf_errors errors = { NULL, 0 };
	struct conf *conf;
	enum err e;
	size_t i;

	e = settings_load(ctl->mem, ctl->config, &conf, &errors);
	if (e) {
		for (i = 0; i < errors.n; i++)
			fprintf(stderr, "mxmctl: %s\n", errors.list[i]);
		return EX_CONFIG;
	}
	ctl->conf = conf;
	log_open("mxmctl", LOG_LEVEL_ERROR); /* one message per fault */
	return EX_OK;
}

/* ---------------------------------------------------------------- running */

static int
run_command(struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;
	int status = EX_OK;

	command = match_command(ctl, &argc, &argv, &status);
	if (!command)
		return status;
	ctl->command = command->name;
	ctl->usage = command->usage;
	if (wants_help(argc, argv)) {
		print_usage(command);
		printf("\n%s\n", command->help);
		return EX_OK;
	}
	status = args_read(ctl, &argc, argv);
	if (status == EX_OK && command->needs == CONF)
		status = ctl_settings(ctl);
	return status == EX_OK ? command->run(ctl, argc, argv) : status;
}

/*
 * A file that is opened would take the place of a closed standard output and
 * get what is printed.
 */
static bool
open_streams(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == STDOUT_FILENO) {
			fprintf(stderr, "mxmctl: standard output is closed\n");
			return false;
		}
		if (open("/dev/null", O_RDWR) != fd)
			return false;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* an error of the write instead */
	return true;
}

/* What could not be printed is a failure, also if the command succeeded. */
static int
close_output(int status)
{
	bool failed = ferror(stdout) != 0;

	if (failed)
		putchar('\n'); /* fails for the same reason */
	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return status;
	fprintf(stderr, "mxmctl: standard output: %s\n",
	    errno ? strerror(errno) : "not everything was written");
	return status == EX_OK ? EX_IOERR : status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct ctl ctl = { .config = CONF_FILE };
	int option, status;

	if (!open_streams())
		return EX_IOERR;
	mem_init();
	log_open("mxmctl", LOG_LEVEL_ERROR); /* one message per fault */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ctl.config = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			print_help();
			return close_output(EX_OK);
		case 'V':
			printf("mxmctl %s\n", PACKAGE_VERSION);
			return close_output(EX_OK);
		default:
			fprintf(stderr, "mxmctl: %s \"%s\"\n" USAGE,
			    option == ':' ? "missing value of" :
					    "unknown option",
			    argv[optind - 1]);
			return EX_USAGE;
		}
	}
	ctl.mem = mem_need(talloc_named_const(NULL, 0, "mxmctl"));
	if (optind == argc)
		return unknown_command(&ctl, NULL, NULL);
	argc -= optind;
	argv += optind;
	status = run_command(&ctl, argc, argv);
	talloc_free(ctl.mem);
	return close_output(status);
}
