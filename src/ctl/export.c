/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl export DIR: the rows of the site as JSON lines, of one snapshot. The
 * manifest is written last: a directory without one is incomplete.
 */
#include "base/base.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/stop.h"
#include "db/copy.h"
#include "db/query.h"
#include "db/tx.h"
#include "import/progress.h"
#include "import/site.h"

#define FILES_MAX 32

struct task {
	struct ctl *ctl;
	struct db *db;
	const char *dir;
	bool made; /* the directory */
	bool passwords;
	int64_t schema;
	int64_t lines[FILES_MAX]; /* -1: not exported */
	struct progress shown;
	int status;
	const char *why; /* of a file */
};

static const char *
path_of(const struct task *t, const char *name, const char *end)
{
	return mem_printf(t->ctl->mem, "%s/%s%s", t->dir, name, end);
}

/* ------------------------------------------------------------- directory */

bool
ctl_is_in_media(const struct ctl *ctl, const char *folder)
{
	char *media = realpath(ctl->conf->media_root, NULL);
	char *here = realpath(folder, NULL);
	size_t n = media ? strlen(media) : 0;
	bool is_in = media && here && strncmp(here, media, n) == 0 &&
		     (here[n] == '/' || here[n] == '\0');

	free(media);
	free(here);
	return is_in;
}

/* Creates it; one that exists must be empty. */
static int
make_directory(struct task *t)
{
	struct dirent *entry;
	DIR *dir;
	bool empty = true;

	t->made = mkdir(t->dir, 0700) == 0;
	if (ctl_is_in_media(t->ctl, t->dir)) {
		if (t->made)
			(void)rmdir(t->dir);
		ctl_error(t->ctl,
		    "%s is in media_root, which the web server publishes\n",
		    t->dir);
		return EX_CANTCREAT;
	}
	if (t->made)
		return EX_OK;
	dir = opendir(t->dir);
	if (!dir) {
		ctl_error(t->ctl, "%s: %s\n", t->dir, strerror(errno));
		return EX_CANTCREAT;
	}
	while ((entry = readdir(dir)) != NULL)
		empty &= strcmp(entry->d_name, ".") == 0 ||
			 strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	if (empty)
		return EX_OK;
	ctl_error(t->ctl, "%s: the directory is not empty\n", t->dir);
	return EX_CANTCREAT;
}

/* After a failure nothing is left. */
static void
clear_directory(const struct task *t)
{
	for (const struct site_kind *k = site_kinds; k->name; k++)
		(void)unlink(path_of(t, k->name, ".jsonl"));
	if (t->made)
		(void)rmdir(t->dir);
}

/* ------------------------------------------------------------------ files */

static enum err
file_failed(struct task *t, const char *path)
{
	t->why = mem_printf(t->ctl->mem, "%s: %s", path, strerror(errno));
	t->status = EX_CANTCREAT;
	return ERR_FORBIDDEN;
}

/* What could not be imported is not exported. */
static enum err
too_long(struct task *t, int64_t lines, size_t n)
{
	t->why = mem_printf(t->ctl->mem,
	    "%s: row %" PRId64 " has %zu bytes as JSON, more than the %zu that "
	    "can be imported; shorten its texts",
	    t->shown.what, lines + 1, n, SITE_LINE_MAX);
	t->status = EX_DATAERR;
	return ERR_INVALID;
}

static enum err
write_lines(struct task *t, struct copy_reader *r, FILE *to, int64_t *lines)
{
	const char *text;
	size_t n;
	enum err e;

	for (*lines = 0;; ++*lines) {
		e = copy_read_text(r, &text, &n);
		if (e == ERR_NOT_FOUND)
			return ERR_OK;
		if (e)
			return e;
		if (n > SITE_LINE_MAX)
			e = too_long(t, *lines, n);
		else if (fwrite(text, 1, n, to) != n)
			e = file_failed(t, t->dir);
		if (e) {
			talloc_free(r);
			return e;
		}
		progress_at(&t->shown, *lines);
	}
}

static enum err
write_kind(struct task *t, const struct site_kind *kind, int64_t *lines)
{
	const char *path = path_of(t, kind->name, ".jsonl");
	struct file *file = file_new(t->ctl->mem, path, 0600);
	struct copy_reader *r;
	enum err e;

	if (!file)
		return file_failed(t, path);
	progress_begin(&t->shown, kind->name, 0);
	e = copy_read_begin(t->ctl->mem, t->db, kind->copy, &r);
	if (!e)
		e = write_lines(t, r, file->to, lines);
	if (e)
		talloc_free(file);
	else if (!file_finish(file))
		e = file_failed(t, path);
	progress_end(&t->shown);
	return e;
}

/* Refuses a --kind that is none. */
static int
check_kinds(const struct ctl *ctl)
{
	char *names = mem_text(ctl->mem, "");

	for (const struct site_kind *k = site_kinds; k->name; k++)
		names = mem_printf(ctl->mem, "%s %s", names, k->name);
	for (size_t i = 0; i < ctl->n_options; i++) {
		const struct ctl_option *o = &ctl->options[i];
		const struct site_kind *k = site_kinds;

		while (k->name && strcmp(k->name, o->value) != 0)
			k++;
		if (!k->name && strcmp(o->name, "--kind") == 0)
			return ctl_usage(ctl,
			    "--kind: \"%s\" is none; the kinds are%s", o->value,
			    names);
	}
	return EX_OK;
}

/* Whether a kind is exported: all, or those that were given. */
static bool
is_wanted(const struct ctl *ctl, const char *name)
{
	bool any = false;

	for (size_t i = 0; i < ctl->n_options; i++) {
		if (strcmp(ctl->options[i].name, "--kind") != 0)
			continue;
		if (strcmp(ctl->options[i].value, name) == 0)
			return true;
		any = true;
	}
	return !any;
}

/* May not be repeated; a reading transaction is not. */
static enum err
write_all(void *arg)
{
	struct task *t = arg;
	struct row row;
	enum err e;
	int i;

	e = query_script(t->ctl->mem, t->db, SQL_site_begin);
	if (!e)
		e = query_one(t->ctl->mem, t->db, &row, SQL_site_passwords,
		    arg_text(t->passwords ? "on" : "off"));
	if (!e)
		e = query_one(
		    t->ctl->mem, t->db, &row, SQL_site_schema, NO_ARGS);
	if (!e)
		t->schema = row_id(&row, "number");
	for (i = 0; !e && site_kinds[i].name; i++) {
		t->lines[i] = -1;
		if (is_wanted(t->ctl, site_kinds[i].name))
			e = write_kind(t, &site_kinds[i], &t->lines[i]);
	}
	return e;
}

/* ----------------------------------------------------------------- manifest */

static void
put_facts(const struct task *t, struct json *j)
{
	json_key(j, "program");
	json_text(j, "moviesxmovies");
	json_key(j, "format");
	json_int(j, SITE_FORMAT);
	json_key(j, "version");
	json_text(j, PACKAGE_VERSION);
	json_key(j, "schema");
	json_int(j, t->schema);
	json_key(j, "passwords");
	json_bool(j, t->passwords);
	json_key(j, "lines");
	json_object(j);
	for (int i = 0; site_kinds[i].name; i++) {
		if (t->lines[i] < 0)
			continue;
		json_key(j, site_kinds[i].name);
		json_int(j, t->lines[i]);
	}
	json_object_end(j);
}

static int
write_manifest(struct task *t)
{
	struct json j;
	struct buf out;

	buf_init(&out, t->ctl->mem, 1024);
	json_init(&j, &out);
	json_object(&j);
	put_facts(t, &j);
	json_object_end(&j);
	buf_putc(&out, '\n');
	if (file_save(t->dir, SITE_MANIFEST, out.data, out.len, 0600))
		return EX_OK;
	ctl_error(
	    t->ctl, "%s/%s: %s\n", t->dir, SITE_MANIFEST, strerror(errno));
	return EX_CANTCREAT;
}

static int
report(const struct task *t)
{
	struct json *j;

	if (!t->ctl->json) {
		for (int i = 0; site_kinds[i].name; i++)
			if (t->lines[i] >= 0)
				printf("%-14s %10" PRId64 "\n",
				    site_kinds[i].name, t->lines[i]);
		return EX_OK;
	}
	j = ctl_json(t->ctl);
	json_object(j);
	put_facts(t, j);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

/* ------------------------------------------------------------------ command */

static int
failed(struct task *t, enum err e)
{
	if (ctl_stop) {
		ctl_error(t->ctl, "interrupted; nothing was written\n");
		return 128 + ctl_stop;
	}
	if (!t->why)
		return ctl_failed(t->ctl, t->db, e);
	ctl_error(t->ctl, "%s\n", t->why);
	return t->status;
}

int
ctl_export(struct ctl *ctl, int argc, char **argv)
{
	struct task t = { .ctl = ctl, .dir = argv[1] };
	int status = check_kinds(ctl);
	enum err e;

	(void)argc;
	if (status == EX_OK)
		status = make_directory(&t);
	if (status != EX_OK)
		return status;
	t.passwords = ctl_option(ctl, "--with-passwords") != NULL;
	t.db = db_new(ctl->mem, ctl->conf->database, 0);
	progress_init(&t.shown, ctl_shows_progress(ctl));
	stop_catch_signals();
	db_interrupt(t.db, &ctl_stop);
	e = tx_run(t.db, write_all, &t);
	progress_clear(&t.shown);
	status = e ? failed(&t, e) : write_manifest(&t);
	if (status != EX_OK) {
		clear_directory(&t);
		return status;
	}
	return report(&t);
}
