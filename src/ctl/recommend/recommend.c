/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend: finds the subcommand, takes its options, runs it.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "base/conf_type.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/recommend/recommend.h"

#define TOP_MAX 10000

/* Sorted. */
static const struct subcommand {
	const char *name;
	int (*run)(struct task *t);
	bool database; /* needs settings and a connection */
} subcommands[] = {
	{ "evaluate", recommend_evaluate, false },
	{ "explain", recommend_explain, true },
	{ "export", recommend_export, true },
	{ "import", recommend_import, true },
	{ "rank", recommend_rank, false },
	{ "rollback", recommend_rollback, true },
	{ "show", recommend_show, true },
	{ "train", recommend_train, true },
	{ "tune", recommend_tune, false },
};

/* ---------------------------------------------------------------- options */

/* Every --set. */
static int
take_sets(struct task *t)
{
	const struct ctl *ctl = t->ctl;
	const char *why;
	size_t i;

	t->options.sets = mem_array(t->mem, const char *, ctl->n_options + 1);
	for (i = 0; i < ctl->n_options; i++) {
		const struct ctl_option *o = &ctl->options[i];

		if (strcmp(o->name, "--set") != 0)
			continue;
		why = fit_set(t->mem, &t->fit.options, o->value);
		if (why)
			return ctl_usage(ctl, "--set: %s", why);
		t->options.sets[t->options.n_sets++] = o->value;
	}
	return EX_OK;
}

static int
take_age(struct task *t)
{
	const char *given = ctl_option(t->ctl, "--if-older-than"),
		   *text = given;
	struct conf_fault fault;

	t->options.older_than = -1;
	if (!given || conf_type_read(t->mem, CONF_SECONDS, &text,
			  &t->options.older_than, &fault))
		return EX_OK;
	return ctl_usage(t->ctl, "--if-older-than: \"%s\" %s; %s", given,
	    fault.what, fault.remedy);
}

/* EX_OK, or EX_USAGE after a message. */
static int
read_options(struct task *t, char **operands)
{
	struct ctl *ctl = t->ctl;
	const char *top = ctl_option(ctl, "--top");
	const char *format = ctl_option(ctl, "--format");
	int status = take_age(t);

	t->options.operands = operands;
	t->options.train = ctl_option(ctl, "--train");
	t->options.test = ctl_option(ctl, "--test");
	t->options.out = ctl_option(ctl, "--out");
	t->options.items = ctl_option(ctl, "--items");
	t->options.users = ctl_option(ctl, "--users");
	t->options.tune = ctl_option(ctl, "--tune") != NULL;
	t->options.as_is = ctl_option(ctl, "--as-is") != NULL;
	t->options.force = ctl_option(ctl, "--force") != NULL;
	t->options.print = ctl_option(ctl, "--print") != NULL;
	t->options.quiet = ctl_option(ctl, "--quiet") != NULL;
	if (format)
		t->options.format = *format == 'c' ? FACTORS_CSV : FACTORS_JSON;
	t->options.top = 100;
	if (top && (!text_to_int64(top, &t->options.top) ||
		       t->options.top < 1 || t->options.top > TOP_MAX))
		return ctl_usage(
		    ctl, "--top must be a number from 1 to %d", TOP_MAX);
	return status == EX_OK ? take_sets(t) : status;
}

/* ---------------------------------------------------------------- running */

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
	struct task *t = mem_new(ctl->mem, struct task);
	const struct subcommand *s = subcommands;
	int status;

	(void)argc;
	while (strcmp(s->name, argv[0]) != 0)
		s++;
	t->ctl = ctl;
	t->mem = t;
	fit_defaults(&t->fit.options);
	status = read_options(t, argv + 1);
	if (status == EX_OK) {
		progress_init(&t->step.progress, ctl_shows_progress(ctl));
		stop_catch_signals();
		if (s->database)
			status = recommend_database(t);
	}
	if (status == EX_OK)
		status = s->run(t);
	talloc_free(t);
	return status;
}
