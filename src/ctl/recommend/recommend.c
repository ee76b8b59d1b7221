/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend: finds the subcommand, reads its options, runs it.
 */
#include "base/base.h"

#include <getopt.h>
#include <sysexits.h>

#include "base/conf.h"
#include "base/conf_type.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/recommend/recommend.h"

#define TOP_MAX 10000

/* Options; --json and --quiet are valid for all subcommands. */
enum option_id {
	TRAIN,
	TEST,
	OUT,
	TOP,
	SET,
	TUNE,
	AS_IS,
	FORCE,
	PRINT,
	OLDER,
	ITEMS,
	USERS,
	FORMAT,
	OPTION__MAX
};

#define TAKES(option) (1U << (option))

static const struct option options[] = {
	{ "train", required_argument, NULL, TRAIN },
	{ "test", required_argument, NULL, TEST },
	{ "out", required_argument, NULL, OUT },
	{ "top", required_argument, NULL, TOP },
	{ "set", required_argument, NULL, SET },
	{ "tune", no_argument, NULL, TUNE },
	{ "as-is", no_argument, NULL, AS_IS },
	{ "force", no_argument, NULL, FORCE },
	{ "print", no_argument, NULL, PRINT },
	{ "if-older-than", required_argument, NULL, OLDER },
	{ "items", required_argument, NULL, ITEMS },
	{ "users", required_argument, NULL, USERS },
	{ "format", required_argument, NULL, FORMAT },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ 0 },
};

/* Sorted. */
static const struct subcommand {
	const char *name;
	int (*run)(struct task *t);
	bool database; /* needs settings and a connection */
	unsigned takes;
	unsigned needs;
	int operands; /* number of operands */
} subcommands[] = {
	{ "evaluate", recommend_evaluate, false,
	    TAKES(TRAIN) | TAKES(TEST) | TAKES(SET) | TAKES(TUNE) |
		TAKES(AS_IS),
	    TAKES(TRAIN), 0 },
	{ "explain", recommend_explain, true, 0, 0, 2 },
	{ "export", recommend_export, true,
	    TAKES(ITEMS) | TAKES(USERS) | TAKES(FORMAT), 0, 0 },
	{ "import", recommend_import, true,
	    TAKES(ITEMS) | TAKES(FORMAT) | TAKES(SET), TAKES(ITEMS), 0 },
	{ "rank", recommend_rank, false,
	    TAKES(TRAIN) | TAKES(OUT) | TAKES(TOP) | TAKES(SET) | TAKES(TUNE) |
		TAKES(AS_IS),
	    TAKES(TRAIN) | TAKES(OUT), 0 },
	{ "rollback", recommend_rollback, true, 0, 0, 0 },
	{ "show", recommend_show, true, 0, 0, 0 },
	{ "train", recommend_train, true,
	    TAKES(FORCE) | TAKES(OLDER) | TAKES(SET) | TAKES(AS_IS), 0, 0 },
	{ "tune", recommend_tune, false,
	    TAKES(TRAIN) | TAKES(SET) | TAKES(PRINT), 0, 0 },
};

/* ---------------------------------------------------------------- options */

static int
take_set(struct task *t)
{
	const char *why = fit_set(t->mem, &t->fit.options, optarg);

	if (why)
		return ctl_usage(t->ctl, "--set: %s", why);
	t->options.sets = mem_grow(
	    t->mem, t->options.sets, const char *, t->options.n_sets + 1);
	t->options.sets[t->options.n_sets++] = optarg;
	return EX_OK;
}

static int
take_format(struct task *t)
{
	if (strcmp(optarg, "csv") == 0)
		t->options.format = FACTORS_CSV;
	else if (strcmp(optarg, "json") == 0)
		t->options.format = FACTORS_JSON;
	else
		return ctl_usage(t->ctl, "--format must be csv or json");
	return EX_OK;
}

static int
take_age(struct task *t)
{
	const char *text = optarg;
	struct conf_fault fault;

	if (conf_type_read(
		t->mem, CONF_SECONDS, &text, &t->options.older_than, &fault))
		return EX_OK;
	return ctl_usage(t->ctl, "--if-older-than: \"%s\" %s; %s", optarg,
	    fault.what, fault.remedy);
}

/* EX_OK, or the exit status of an invalid value. */
static int
take_option(struct task *t, int option)
{
	switch (option) {
	case TRAIN:
		t->options.train = optarg;
		break;
	case TEST:
		t->options.test = optarg;
		break;
	case OUT:
		t->options.out = optarg;
		break;
	case TOP:
		if (!text_to_int64(optarg, &t->options.top) ||
		    t->options.top < 1 || t->options.top > TOP_MAX)
			return ctl_usage(t->ctl,
			    "--top must be a number from 1 to %d", TOP_MAX);
		break;
	case SET:
		return take_set(t);
	case TUNE:
		t->options.tune = true;
		break;
	case FORCE:
		t->options.force = true;
		break;
	case PRINT:
		t->options.print = true;
		break;
	case OLDER:
		return take_age(t);
	case AS_IS:
		t->options.as_is = true;
		break;
	case ITEMS:
		t->options.items = optarg;
		break;
	case USERS:
		t->options.users = optarg;
		break;
	case FORMAT:
		return take_format(t);
	case 'j':
		t->ctl->json = true;
		break;
	case 'q':
		t->options.quiet = true;
		break;
	default:
		return ctl_usage(t->ctl, "invalid option");
	}
	return EX_OK;
}

static int
check_given(const struct task *t, const struct subcommand *s, unsigned given)
{
	for (unsigned i = 0; i < OPTION__MAX; i++) {
		const char *name = options[i].name;

		assert(options[i].val == (int)i);
		if (given & ~s->takes & TAKES(i))
			return ctl_usage(t->ctl, "--%s cannot be used with %s",
			    name, s->name);
		if (s->needs & ~given & TAKES(i))
			return ctl_usage(
			    t->ctl, "%s requires --%s", s->name, name);
	}
	return EX_OK;
}

/* argv[0] is the subcommand. */
static int
read_options(struct task *t, const struct subcommand *s, int argc, char **argv)
{
	unsigned given = 0;
	int option, status;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		status = take_option(t, option);
		if (status != EX_OK)
			return status;
		if (option < OPTION__MAX)
			given |= TAKES(option);
	}
	t->options.operands = argv + optind;
	if (argc - optind > s->operands)
		return ctl_usage(t->ctl, "unexpected argument \"%s\"",
		    t->options.operands[s->operands]);
	if (argc - optind < s->operands)
		return ctl_usage(t->ctl, "%s: missing operand", s->name);
	return check_given(t, s, given);
}

/* ---------------------------------------------------------------- running */

static const struct subcommand *
subcommand_named(const char *name)
{
	for (size_t i = 0; i < array_len(subcommands); i++) {
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	}
	return NULL;
}

int
recommend_database(struct task *t)
{
	int status = t->ctl->conf ? EX_OK : ctl_settings(t->ctl);

	if (status != EX_OK || t->db)
		return status;
	t->db = db_new(t->mem, t->ctl->conf->database, 0);
	db_interrupt(t->db, &ctl_stop);
	return db_ready(t->db) ? recommend_db_error(t) : EX_OK;
}

int
ctl_recommend(struct ctl *ctl, int argc, char **argv)
{
	const struct subcommand *s =
	    argc > 1 ? subcommand_named(argv[1]) : NULL;
	struct task *t = mem_new(ctl->mem, struct task);
	int status;

	if (!s)
		return ctl_usage(ctl,
		    argc > 1 ? "unknown subcommand \"%s\"" :
			       "missing subcommand",
		    argv[1]);
	t->ctl = ctl;
	t->mem = t;
	t->options.top = 100;
	t->options.older_than = -1;
	fit_defaults(&t->fit.options);
	status = read_options(t, s, argc - 1, argv + 1);
	if (status == EX_OK) {
		progress_init(&t->step.progress, t->options.quiet);
		stop_catch_signals();
		if (s->database)
			status = recommend_database(t);
	}
	if (status == EX_OK)
		status = s->run(t);
	talloc_free(t);
	return status;
}
