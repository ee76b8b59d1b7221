/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl import movielens DIR, mxmctl import demo [DIR]: the command line of
 * import/. Progress and skipped records are printed on standard error, the
 * summary on standard output.
 */
#include "base/base.h"

#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/advice.h"
#include "ctl/ctl.h"
#include "ctl/stop.h"
#include "db/db.h"
#include "import/import.h"
#include "import/media.h"

static const struct source {
	const char *name;
	enum err (*run)(struct import *);
	bool takes_dir; /* the directory is required */
} sources[] = {
	{ "demo", import_demo, false },
	{ "movielens", import_movielens, true },
};

struct options {
	const struct source *source;
	const char *dir;
	bool json;
	bool dry_run;
	bool quiet;
	bool no_members;
};

/* ---------------------------------------------------------------- options */

static void
print_usage(FILE *to)
{
	fputs("usage: mxmctl import demo [options] [DIR]\n"
	      "       mxmctl import movielens [options] DIR\n"
	      "\n"
	      "  demo        the demonstration catalogue and its users; DIR\n"
	      "              contains its files (default: the installed ones)\n"
	      "  movielens   movies.csv, ratings.csv and, if present,\n"
	      "              links.csv of a MovieLens data set\n"
	      "\n"
	      "  --dry-run     run the import and roll it back\n"
	      "  --json        print the summary as JSON\n"
	      "  --quiet       print no progress\n"
	      "  --no-members  demo: import only the catalogue, no users\n"
	      "\n"
	      "Existing records are not changed; an import that fails or is\n"
	      "interrupted changes nothing.\n",
	    to);
}

static int
usage(void)
{
	print_usage(stderr);
	return EX_USAGE;
}

static const struct source *
source_named(const char *name)
{
	for (size_t i = 0; i < array_len(sources); i++) {
		if (strcmp(sources[i].name, name) == 0)
			return &sources[i];
	}
	return NULL;
}

const char *
ctl_data_path(TALLOC_CTX *mem, const char *name)
{
	const char *data = getenv("MXM_DATADIR");

	return mem_printf(
	    mem, "%s/%s", data && *data ? data : MXM_PKGDATADIR, name);
}

bool
ctl_default_pictures(const struct ctl *ctl)
{
	const char *from = ctl_data_path(ctl->mem, "media");
	struct media_copy copy;

	if (media_copy_defaults(ctl->mem, from, ctl->conf->media_root, &copy))
		return true;
	fprintf(stderr,
	    "mxmctl %s: the default pictures could not be copied to %s: %s; "
	    "create the directory (README, INSTALL) and run \"mxmctl pictures\" "
	    "as the user of mxmd\n",
	    ctl->command, ctl->conf->media_root, copy.why);
	return false;
}

int
ctl_pictures(struct ctl *ctl, int argc, char **argv)
{
	if (argc > 1)
		return ctl_usage(ctl, "unexpected argument \"%s\"", argv[1]);
	return ctl_default_pictures(ctl) ? EX_OK : EX_CANTCREAT;
}

/*
 * Returns EX_OK and sets the source, or the exit status; argv[0] is "import".
 * With
 * --help it prints the usage and sets no source.
 */
static int
read_options(TALLOC_CTX *mem, int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "no-members", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'n')
			o->dry_run = true;
		else if (c == 'j')
			o->json = true;
		else if (c == 'q')
			o->quiet = true;
		else if (c == 'm')
			o->no_members = true;
		else if (c == 'h') {
			print_usage(stdout);
			return EX_OK;
		} else
			return usage();
	}
	if (optind == argc)
		return usage();
	o->source = source_named(argv[optind]);
	if (!o->source) {
		fprintf(stderr, "mxmctl import: unknown source \"%s\"\n",
		    argv[optind]);
		return usage();
	}
	o->dir = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (argc - optind > 2 || (o->source->takes_dir && !o->dir))
		return usage();
	if (!o->dir)
		o->dir = ctl_data_path(mem, "demo");
	return EX_OK;
}

/* --------------------------------------------------------------- the work */

/* Checks the directory before connecting to the database. */
static int
check_folder(const char *dir)
{
	struct stat st;
	const char *why = NULL;

	if (stat(dir, &st) != 0)
		why = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		why = "not a directory";
	if (!why)
		return EX_OK;
	fprintf(stderr, "mxmctl import: %s: %s\n", dir, why);
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
	if (ctl_stop) {
		fputs("mxmctl import: interrupted; nothing was changed\n",
		    stderr);
		return 128 + ctl_stop;
	}
	fprintf(stderr, "mxmctl import: %s\n", im->why);
	if (strstr(im->why, "no connection"))
		fprintf(stderr, "mxmctl import: %s\n",
		    advice_database(ctl, im->why));
	else if (e == ERR_UNAVAILABLE)
		fputs("mxmctl import: run it again; existing records are not "
		      "changed\n",
		    stderr);
	else
		fputs("mxmctl import: nothing was changed\n", stderr);
	return status_of(e);
}

static void
report_success(struct import *im, const struct options *o, int64_t took_us)
{
	char took[32];

	if (o->json)
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
}

int
ctl_import(struct ctl *ctl, int argc, char **argv)
{
	struct import *im = mem_new(ctl->mem, struct import);
	struct options o = { .json = ctl->json };
	int64_t began;
	int status;
	enum err e;

	status = read_options(im, argc, argv, &o);
	if (status == EX_OK && o.source)
		status = check_folder(o.dir);
	if (status != EX_OK || !o.source)
		return status;
	im->mem = im;
	im->dir = o.dir;
	im->db = db_new(im, ctl->conf->database, 0);
	im->media_root = ctl->conf->media_root;
	im->dry_run = o.dry_run;
	im->no_members = o.no_members;
	im->stop = &ctl_stop;
	progress_init(&im->progress, o.quiet);
	stop_catch_signals();
	(void)signal(SIGPIPE, SIG_IGN);
	began = clock_steady_us();
	e = o.source->run(im);
	report_print_skips(&im->report, stderr);
	if (e)
		status = report_failure(ctl, im, e);
	else {
		if (!o.dry_run)
			(void)ctl_default_pictures(ctl);
		report_success(im, &o, clock_steady_us() - began);
	}
	talloc_free(im);
	return status;
}
