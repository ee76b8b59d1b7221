/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl import …: the command line of import/. Progress and skipped records
 * are printed on standard error, the summary on standard output.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/advice.h"
#include "ctl/ctl.h"
#include "ctl/stop.h"
#include "db/db.h"
#include "import/import.h"
#include "import/media.h"

static const struct source {
	const char *name;
	enum err (*run)(struct import *);
} sources[] = {
	{ "demo", import_demo },
	{ "imdb", import_imdb },
	{ "movielens", import_movielens },
	{ "moviesxmovies", import_original },
	{ "site", import_site },
	{ "tmdb", import_tmdb },
};

struct options {
	const struct source *source;
	const char *dir;
	bool dry_run;
};

/* With --strict: it was imported, but not all of it. */
#define STRICT_FAILED 1

/* ---------------------------------------------------------------- options */

const char *
ctl_data_path(TALLOC_CTX *mem, const char *name)
{
	const char *data = getenv("MXM_DATADIR");

	return mem_printf(
	    mem, "%s/%s", data && *data ? data : MXM_PKGDATADIR, name);
}

/* Whether media_root has the default pictures. */
static bool
are_there(const struct ctl *ctl)
{
	const char *const *name = media_defaults;

	while (*name && access(mem_printf(ctl->mem, "%s/%s",
				   ctl->conf->media_root, *name),
			    R_OK) == 0)
		name++;
	return !*name;
}

bool
ctl_default_pictures(const struct ctl *ctl)
{
	struct media_copy copy = { .from = ctl_data_path(ctl->mem, "media"),
		.to = ctl->conf->media_root };

	if (media_copy_defaults(ctl->mem, &copy) || are_there(ctl))
		return true;
	ctl_error(ctl,
	    "the default pictures could not be copied to %s: %s; "
	    "create the directory (HACKING, INSTALL BY HAND) and run \"mxmctl pictures\" "
	    "as the user of mxmd\n",
	    ctl->conf->media_root, copy.why);
	return false;
}

int
ctl_pictures(struct ctl *ctl, int argc, char **argv)
{
	struct json *j;

	(void)argc;
	(void)argv;
	if (!ctl_default_pictures(ctl))
		return EX_CANTCREAT;
	if (!ctl->json)
		return EX_OK;
	j = ctl_json(ctl);
	json_object(j);
	json_key(j, "media_root");
	json_text(j, ctl->conf->media_root);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

/* argv[0] is the source. */
static void
read_options(struct ctl *ctl, char **argv, struct options *o)
{
	o->source = sources;
	while (strcmp(o->source->name, argv[0]) != 0)
		o->source++;
	o->dir = argv[1] ? argv[1] : ctl_data_path(ctl->mem, "demo");
	o->dry_run = ctl_option(ctl, "--dry-run") != NULL;
}

static int
read_number(const struct ctl *ctl, const char *name, long max, long *out)
{
	const char *text = ctl_option(ctl, name);
	int64_t n;

	if (!text)
		return EX_OK;
	if (!text_is_digits(text) || !text_to_int64(text, &n) || n > max)
		return ctl_usage(ctl, "%s: \"%s\" is not a number up to %ld",
		    name, text, max);
	*out = (long)n;
	return EX_OK;
}

/* The options of import imdb, of which other imports have none. */
static int
read_filter(const struct ctl *ctl, struct import *im)
{
	struct import_filter *f = &im->filter;
	char *types = mem_text(im, "|");
	int status;

	for (size_t i = 0; i < ctl->n_options; i++) {
		if (strcmp(ctl->options[i].name, "--type") == 0)
			types = mem_printf(
			    im, "%s%s|", types, ctl->options[i].value);
	}
	f->types = types[1] ? types : "|movie|";
	f->adult = ctl_option(ctl, "--adult") != NULL;
	status = read_number(ctl, "--from", 9999, &f->from);
	if (status == EX_OK)
		status = read_number(ctl, "--to", 9999, &f->to);
	if (status == EX_OK && f->to > 0 && f->from > f->to)
		status = ctl_usage(ctl,
		    "--from %ld is later than --to %ld: no movie is of these years",
		    f->from, f->to);
	if (status == EX_OK)
		status = read_number(ctl, "--min-votes", 1000000000, &f->votes);
	return status;
}

/* --------------------------------------------------------------- the work */

/*
 * Checks the directory before connecting to the database. A dump of the
 * original instead of the name of its database has a path or a suffix.
 */
static int
check_folder(const struct ctl *ctl, const struct options *o)
{
	const char *dir = o->dir, *why = NULL;
	struct stat st;

	if (o->source->run == import_original) {
		if (strpbrk(dir, "./") && stat(dir, &st) == 0 &&
		    !S_ISSOCK(st.st_mode))
			why = "a file, not a database: restore it first, with "
			      "\"createdb NAME\" and \"pg_restore -d NAME "
			      "FILE\" (\"psql -d NAME -f FILE\" if it is SQL), "
			      "and import NAME";
	} else if (stat(dir, &st) != 0)
		why = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		why = "not a directory";
	if (!why)
		return EX_OK;
	ctl_error(ctl, "%s: %s\n", dir, why);
	return EX_NOINPUT;
}

static void
print_json(const struct import *im, const struct options *o, int64_t took_us)
{
	int64_t took_ms = took_us / 1000;
	struct json j;
	struct buf b;

	buf_init(&b, im->mem, 4096);
	json_init(&j, &b);
	json_object(&j);
	json_key(&j, "source");
	json_text(&j, o->source->name);
	json_key(&j, "dry_run");
	json_bool(&j, o->dry_run);
	json_key(&j, "seconds");
	json_double(&j, (double)took_ms / 1000.0);
	report_json(&im->report, &j);
	json_object_end(&j);
	printf("%s\n", b.data);
}

static int
status_of(enum err e)
{
	switch (e) {
	case ERR_OK:
		return EX_OK;
	case ERR_NOT_FOUND:
		return EX_NOINPUT;
	case ERR_INVALID:
		return EX_DATAERR;
	case ERR_CONFLICT:
		return EX_TEMPFAIL;
	case ERR_UNAVAILABLE:
		return EX_UNAVAILABLE;
	case ERR_FORBIDDEN:
		return EX_CANTCREAT;
	default:
		return EX_SOFTWARE;
	}
}

/*
 * If the connection was lost during the commit, its result is unknown; running
 * the import again is correct in both cases.
 */
static int
report_failure(const struct ctl *ctl, const struct import *im, enum err e)
{
	const char *rest = "nothing was changed";

	if (ctl_stop) {
		ctl_error(ctl, "interrupted; nothing was changed\n");
		return 128 + ctl_stop;
	}
	if (strstr(im->why, "the database: no connection"))
		rest = advice_database(ctl, im->why);
	else if (db_disk_is_full(im->db))
		rest = "make room on the disk of the database, and run it "
		       "again; nothing was changed";
	else if (e == ERR_UNAVAILABLE)
		rest = "run it again; existing records are not changed";
	ctl_error(ctl, "%s; %s\n", im->why, rest);
	return status_of(e);
}

static int
report_success(const struct ctl *ctl, struct import *im,
    const struct options *o, int64_t took_us)
{
	char took[32];

	if (ctl->json)
		print_json(im, o, took_us);
	else
		report_print(&im->report, stdout);
	progress_duration(took, sizeof took, took_us);
	fprintf(stderr, "imported %s in %s%s\n", o->dir, took,
	    o->dry_run ? "; dry run, nothing was changed" : "");
	if (o->source->run == import_demo && !o->dry_run &&
	    report_tally(&im->report, "members")->added > 0)
		fputs("note: the password of the user \"demo\" is public "
		      "(demo/README)\n",
		    stderr);
	return im->strict && report_faults(&im->report) > 0 ? STRICT_FAILED :
							      EX_OK;
}

int
ctl_import(struct ctl *ctl, int argc, char **argv)
{
	struct import *im = mem_new(ctl->mem, struct import);
	struct options o;
	int64_t began;
	int status;
	enum err e;

	(void)argc;
	read_options(ctl, argv, &o);
	status = check_folder(ctl, &o);
	if (status != EX_OK)
		return status;
	im->mem = im;
	im->dir = o.dir;
	im->db = db_new(im, ctl->conf->database, 0);
	im->media_root = ctl->conf->media_root;
	im->media = ctl_option(ctl, "--media");
	im->dry_run = o.dry_run;
	im->strict = ctl_option(ctl, "--strict") != NULL;
	status = read_filter(ctl, im);
	if (status != EX_OK)
		return status;
	im->no_members = ctl_option(ctl, "--no-members") != NULL;
	im->stop = &ctl_stop;
	progress_init(&im->progress, ctl_shows_progress(ctl));
	stop_catch_signals();
	began = clock_steady_us();
	e = o.source->run(im);
	report_print_notes(&im->report, stderr);
	if (e)
		status = report_failure(ctl, im, e);
	else {
		if (!o.dry_run)
			(void)ctl_default_pictures(ctl);
		status = report_success(ctl, im, &o, clock_steady_us() - began);
	}
	talloc_free(im);
	return status;
}
