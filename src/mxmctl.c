/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl: administration. main() parses the options before the command, finds
 * the command in commands.def and runs it.
 */
#include "base/base.h"

#include <getopt.h>
#include <stdarg.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "ctl/ctl.h"
#include "db/row.h"
#include "db/settings.h"

enum needs { NOTHING, CONF };

static const struct command {
	const char *name;
	ctl_command *run;
	enum needs needs;
	const char *usage;
	const char *help;
} commands[] = {
#define COMMAND(NAME, FUNCTION, NEEDS, USAGE, HELP) \
	{ NAME, FUNCTION, NEEDS, USAGE, HELP },
#include "commands.def"
#undef COMMAND
};

static void
print_help(void)
{
	size_t i;

	printf(
	    "usage: mxmctl [--config FILE] [--json] COMMAND [ARGUMENTS]\n\n");
	for (i = 0; i < array_len(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	printf("\n"
	       "  --config FILE  settings file (default %s)\n"
	       "  --json         print JSON\n"
	       "  --help         print this, or the usage of a command\n"
	       "  --version      print the version\n\n"
	       "See also the manual page mxmctl(8).\n",
	    CONF_FILE);
}

static int
unknown_command(const char *name)
{
	const char *names[array_len(commands)], *near;
	size_t i;

	for (i = 0; i < array_len(commands); i++)
		names[i] = commands[i].name;
	near = suggest(name, names, array_len(commands));
	fprintf(stderr, "mxmctl: unknown command \"%s\"", name);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?\n", near);
	else
		fprintf(stderr, "; see mxmctl --help\n");
	return EX_USAGE;
}

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

int
ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mxmctl %s: ", ctl->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: mxmctl %s %s\n", ctl->command, ctl->usage);
	return EX_USAGE;
}

int
ctl_plain(struct ctl *ctl, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") != 0)
			return ctl_usage(
			    ctl, "unexpected argument \"%s\"", argv[i]);
		ctl->json = true;
	}
	return EX_OK;
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
	log_open("mxmctl", LOG_LEVEL_WARNING);
	return EX_OK;
}

static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

static int
run_command(struct ctl *ctl, int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);
	bool help;
	int status;

	if (!command)
		return unknown_command(argv[0]);
	ctl->command = command->name;
	ctl->usage = command->usage;
	help = wants_help(argc, argv);
	/* import prints its own help, with its options */
	if (help && command->run != ctl_import) {
		printf("usage: mxmctl %s %s\n\n%s\n", command->name,
		    command->usage, command->help);
		return EX_OK;
	}
	if (command->needs == CONF && !help) {
		status = ctl_settings(ctl);
		if (status != EX_OK)
			return status;
	}
	return command->run(ctl, argc, argv);
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

	mem_init();
	log_open("mxmctl", LOG_LEVEL_WARNING);
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ctl.config = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			print_help();
			return EX_OK;
		case 'V':
			printf("mxmctl %s\n", PACKAGE_VERSION);
			return EX_OK;
		default:
			return EX_USAGE;
		}
	}
	if (optind == argc) {
		fprintf(
		    stderr, "mxmctl: no command given; see mxmctl --help\n");
		return EX_USAGE;
	}
	ctl.mem = mem_need(talloc_named_const(NULL, 0, "mxmctl"));
	argc -= optind;
	argv += optind;
	optind = 1;
	status = run_command(&ctl, argc, argv);
	talloc_free(ctl.mem);
	if (fflush(stdout) != 0) {
		perror("mxmctl: standard output");
		return EX_IOERR;
	}
	return status;
}
