/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend tune: searches for the best settings for the ratings of the
 * site or of a file, and writes them to a file in conf.d, beside the settings,
 * for the next training.
 */
#include "base/base.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/dropin.h"
#include "ctl/recommend/recommend.h"
#include "db/settings.h"

#define NAME "50-recommend.conf"

/* ------------------------------------------------------------- the settings */

struct found {
	const char *text;    /* of setting recommend_tuning */
	const char *written; /* the file; NULL: none */
};

/* A later file or the environment may override the setting. */
static void
check_in_force(struct task *t, const struct found *f)
{
	struct conf_errors errors = { NULL, 0 };
	const char *place;
	struct conf *conf;

	/* what is wrong with them is for `mxmctl config` to report */
	(void)settings_load(t->mem, t->ctl->config, &conf, &errors);
	place = conf->source[CONF_ID_recommend_tuning];
	if (strcmp(conf->recommend_tuning, f->text) != 0)
		ctl_error(t->ctl,
		    "%s also sets recommend_tuning and "
		    "overrides it\n",
		    place ? place : conf->file);
}

static int
cannot_write(const struct task *t, const struct found *f, const char *path)
{
	ctl_error(t->ctl,
	    "%s: %s; add this line to the settings:\n"
	    "recommend_tuning = %s\n",
	    path, strerror(errno), f->text);
	return EX_CANTCREAT;
}

static int
save(struct task *t, struct found *f)
{
	const char *folder = dropin_conf_d(t->ctl);
	const char *path = mem_printf(t->mem, "%s/" NAME, folder);
	int status;

	if (access(t->ctl->config, F_OK) != 0) {
		/* with --train there may be no settings */
		status =
		    t->options.train && errno == ENOENT ? EX_OK : EX_CANTCREAT;
		(void)cannot_write(t, f, t->ctl->config);
		return status;
	}
	if (!*f->text && access(path, F_OK) != 0) {
		fputs("the defaults are best; nothing was written\n", stderr);
		return EX_OK;
	}
	if (!dropin_write(t->ctl, folder, NAME,
		mem_printf(t->mem,
		    "# Written by \"mxmctl recommend tune\", which overwrites "
		    "it.\nrecommend_tuning = %s\n",
		    f->text),
		t->ctl->config))
		return cannot_write(t, f, path);
	f->written = path;
	fprintf(stderr, "written to %s; the next training uses it\n", path);
	check_in_force(t, f);
	return EX_OK;
}

static int
report(const struct task *t, const struct found *f, int status)
{
	struct json *j;

	if (!t->ctl->json) {
		fit_print(&t->fit.options, stdout);
		return status;
	}
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "recommend_tuning");
	json_text(j, f->text);
	json_key(j, "written");
	json_text(j, f->written);
	json_object_end(j);
	return ctl_json_done(j, status);
}

static void
report_sample(const struct task *t)
{
	size_t step = tune_step(t->data.table.triples->n, TUNE_RATINGS);

	if (step > 1 && !t->options.quiet)
		fprintf(
		    stderr, "tuning by the ratings of one user in %zu\n", step);
}

static int
read_ratings(struct task *t)
{
	int status;

	if (t->options.train) {
		status = recommend_read(t, t->options.train, &t->data.table);
		return status == EX_OK ?
			   recommend_memory(t, t->data.table.triples->n,
			       t->data.table.users.n, t->data.table.items.n) :
			   status;
	}
	status = recommend_database(t);
	return status == EX_OK ? recommend_read_site(t) : status;
}

int
recommend_tune(struct task *t)
{
	struct found f = { NULL, NULL };
	int status;

	t->options.tune = true;
	status = read_ratings(t);
	if (status != EX_OK)
		return status;
	report_sample(t);
	status = recommend_choose_settings(t);
	if (status != EX_OK)
		return status;
	f.text = fit_changed(t->mem, &t->fit.options);
	status = t->options.print ? EX_OK : save(t, &f);
	return report(t, &f, status);
}
