/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl restore: database, pictures and signing key of a backup, all or
 * nothing. The file is read once. Pictures are collected in a directory of
 * media_root, the database is loaded in one transaction, and only when the file
 * has proved complete are they put in place: first pictures of free names,
 * which the old database does not miss, then the commit, then the rest, by
 * renames. The locks of the transaction keep others from the database until
 * then; they answer 503.
 */
#include "base/base.h"

#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "ctl/backup/backup.h"
#include "ctl/stop.h"
#include "db/load.h"
#include "db/migrate.h"
#include "db/settings.h"

#define KEY_LEAST 32 /* bytes, as of the setting */

struct task {
	struct ctl *ctl;
	struct unpack *from;
	struct progress shown;
	struct db *db;
	const struct passwd *user;
	struct stage *stage;
	struct program *restore; /* NULL: not yet */
	struct load *load;
	struct file *key;    /* with new_key, to be renamed; NULL: none */
	int migrations;      /* applied */
	const char *new_key; /* the signing key, if it is another; NULL */
	bool has_model;
	bool replace, yes, end_sessions;
};

/* ------------------------------------------------------------ database */

static int
failed(struct task *t, enum err e)
{
	const char *why = db_error(t->db);
	int status = backup_stopped(t->ctl);

	if (status != EX_OK)
		return status;
	if (e == ERR_UNAVAILABLE || e == ERR_CONFLICT)
		return backup_fail(t->ctl,
		    e == ERR_CONFLICT ? EX_TEMPFAIL : EX_UNAVAILABLE,
		    "%s; nothing was restored", why);
	return backup_fail(t->ctl, EX_DATAERR,
	    "the dump cannot be loaded: %s; nothing was restored", why);
}

static int
take_script(void *arg, const char *p, size_t n)
{
	struct task *t = arg;
	enum err e = load_add(t->load, p, n);

	return e ? failed(t, e) : EX_OK;
}

/* The tables are locked from here on. */
static int
begin_load(struct task *t)
{
	static const char *const argv[] = { "pg_restore", "--file=-",
		"--no-owner", "--no-privileges", "--no-comments", NULL };
	const char *const *env = (const char *const *)(uintptr_t)environ;
	enum err e = load_begin(t->ctl->mem, t->db, &t->load);

	if (e)
		return failed(t, e);
	return program_start(t->ctl, argv, env, t->user, &t->restore);
}

static int
take_dump(void *arg, const void *p, size_t n)
{
	struct task *t = arg;
	int status = t->restore ? EX_OK : begin_load(t);

	return status == EX_OK ?
		   program_feed(t->ctl, t->restore, p, n, take_script, t) :
		   status;
}

static void
count_migration(const struct migration *m, void *arg)
{
	(void)m;
	++*(int *)arg;
}

/* The schema becomes that of this program, and the roles get privileges. */
static int
end_load(struct task *t)
{
	const struct conf *conf = t->ctl->conf;
	const char *role =
	    conf->database_owner[0] ?
		settings_conninfo(t->ctl->mem, conf->database, "user") :
		NULL;
	int status = program_feed(t->ctl, t->restore, NULL, 0, take_script, t);
	enum err e;

	if (status == EX_OK)
		status = program_end(t->ctl, t->restore);
	if (status != EX_OK)
		return status;
	e = load_end(t->load);
	if (!e)
		e = migrate_within(
		    t->db, role, count_migration, &t->migrations);
	if (!e && t->end_sessions)
		e = load_end_sessions(t->db);
	return e ? failed(t, e) : EX_OK;
}

/* ---------------------------------------------------------------- keys */

/* Beside the file, with its owner and mode; it is renamed after the commit. */
static int
write_key(struct task *t)
{
	const char *path = t->ctl->conf->signing_key_file;
	struct stat st;

	if (!t->new_key)
		return EX_OK;
	t->key = file_new(t->ctl->mem, path, 0600);
	if (!t->key)
		return backup_fail(t->ctl, EX_CANTCREAT,
		    "cannot write the signing key to %s: %s; run the command "
		    "as root",
		    path, strerror(errno));
	if (stat(path, &st) != 0 ||
	    (geteuid() == 0 &&
		fchown(fileno(t->key->to), st.st_uid, st.st_gid) != 0) ||
	    fchmod(fileno(t->key->to), st.st_mode & 0770) != 0 ||
	    fprintf(t->key->to, "%s\n", t->new_key) < 0 ||
	    fflush(t->key->to) != 0)
		return backup_fail(t->ctl, EX_IOERR,
		    "cannot write the signing key to %s: %s", path,
		    strerror(errno));
	return EX_OK;
}

/* Tries it at once; the key is not left in a file for as long as the rest
 * takes. */
static int
take_signing_key(struct task *t, const char *value)
{
	int status;

	if (strlen(value) < KEY_LEAST)
		return backup_fail(t->ctl, EX_DATAERR,
		    "the signing key of the backup is too short");
	t->new_key = mem_text(t->ctl->mem, value);
	status = write_key(t);
	talloc_free(t->key);
	t->key = NULL;
	return status;
}

/*
 * The signing key is part of the data: sessions and mailed codes of the backup
 * are valid only with it. Other secrets are those of services that this host
 * uses, and stay.
 */
static int
take_key(void *arg, const char *name, const char *value)
{
	struct task *t = arg;
	const struct conf *conf = t->ctl->conf;
	int i = 0;

	while (i < CONF__MAX && strcmp(conf_settings[i].name, name) != 0)
		i++;
	if (i == CONF__MAX || strcmp(conf->text[i], value) == 0)
		return EX_OK;
	if (i == CONF_ID_signing_key && *conf->signing_key_file)
		return take_signing_key(t, value);
	backup_fail(t->ctl, 0,
	    "warning: %s of the backup differs from that of this host (%s), "
	    "which stays%s",
	    name, conf_place(conf, (enum conf_id)i),
	    i == CONF_ID_signing_key ? "; all users must log in again" : "");
	return EX_OK;
}

/* ------------------------------------------------------------- in place */

/*
 * The cache of this host is of the new database from the commit on; mxm-jobs
 * does the same on others when it is notified.
 */
static void
set_incarnation(struct task *t, uint64_t incarnation)
{
	struct shm *shm;

	if (shm_open_file(t->ctl->mem, t->ctl->conf->run_dir, true, &shm) ==
	    ERR_OK)
		shm_set_incarnation(shm, incarnation);
}

/* What cannot be flushed is of another incarnation, and not used. */
static void
flush_cache(struct task *t)
{
	struct cache *cache =
	    cache_new(t->ctl->mem, t->ctl->conf->cache_servers);

	for (size_t i = 0; i < cache_servers(cache); i++)
		(void)cache_flush(cache, i);
}

static int
put_in_place(struct task *t)
{
	uint64_t incarnation;
	int status = stage_place(t->stage, false);
	enum err e;

	if (status == EX_OK)
		status = write_key(t);
	if (status == EX_OK)
		status = backup_stopped(t->ctl);
	if (status != EX_OK)
		return status;
	e = load_finish(t->db, &incarnation, &t->has_model);
	if (e)
		return failed(t, e);
	set_incarnation(t, incarnation);
	e = load_commit(t->db);
	if (e)
		return failed(t, e);
	flush_cache(t);
	if (t->key && !file_finish(t->key))
		return backup_fail(t->ctl, EX_IOERR,
		    "the database was restored, but not the signing key: %s; "
		    "run the command again",
		    strerror(errno));
	status = stage_place(t->stage, true);
	if (status != EX_OK)
		backup_fail(t->ctl, status,
		    "the database was restored, but not all pictures; run the "
		    "command again");
	return status;
}

/* ------------------------------------------------------------- command */

static bool
is_empty(const struct dump_counts *n)
{
	return n->accounts == 0 && n->movies == 0 && n->ratings == 0 &&
	       n->reviews == 0;
}

/* On a terminal the user is asked. */
static int
confirm(struct task *t, const struct dump_counts *n)
{
	const char *name =
	    settings_conninfo(t->ctl->mem, t->ctl->conf->database, "dbname");
	char answer[16] = "";

	if (n->accounts < 0)
		return backup_fail(t->ctl, EX_DATAERR,
		    "the database has tables of another program; make a new "
		    "one with createdb");
	if (!t->replace)
		return backup_fail(t->ctl, EX_DATAERR,
		    "the database is not empty; --replace destroys what is in "
		    "it, and puts the backup in its place");
	if (t->yes)
		return EX_OK;
	if (!isatty(STDIN_FILENO))
		return backup_fail(t->ctl, EX_USAGE,
		    "--replace destroys the database; without a terminal, "
		    "--yes is needed, too");
	fprintf(stderr,
	    "The database %s, with %" PRId64 " accounts and %" PRId64
	    " ratings, will be destroyed and\nreplaced by the backup of %s "
	    "on %s. Continue? [yes/no] ",
	    name ? name : "", n->accounts, n->ratings,
	    unpack_facts(t->from)->created_at, unpack_facts(t->from)->host);
	if (!fgets(answer, sizeof answer, stdin) ||
	    strcmp(answer, "yes\n") != 0)
		return backup_fail(t->ctl, EX_DATAERR, "nothing was changed");
	return EX_OK;
}

static int
check_target(struct task *t)
{
	const struct conf *conf = t->ctl->conf;
	const char *conninfo =
	    conf->database_owner[0] ? conf->database_owner : conf->database;
	struct dump_counts counts;
	bool any;
	int status;
	enum err e;

	t->user = program_user(t->ctl, conninfo);
	t->db = db_new(t->ctl->mem, conninfo, 0);
	db_interrupt(t->db, &ctl_stop);
	status = program_connect(t->ctl, t->db, t->user);
	if (status != EX_OK)
		return status;
	e = dump_count(t->db, &any, &counts);
	if (e)
		return ctl_failed(t->ctl, t->db, e);
	return !any || is_empty(&counts) ? EX_OK : confirm(t, &counts);
}

static int
take_media(void *arg, const char *path, const void *p, size_t n)
{
	struct task *t = arg;

	return stage_media(t->stage, path, p, n);
}

static int
restore(struct task *t)
{
	const struct unpack_sink sink = { take_key, take_media, take_dump, t };
	int status = stage_open(t->ctl, &t->stage);

	if (status == EX_OK)
		status = check_target(t);
	if (status == EX_OK)
		status = unpack_run(t->from, &sink, &t->shown);
	if (status == EX_OK)
		status = end_load(t);
	return status == EX_OK ? put_in_place(t) : status;
}

static int
report(struct task *t)
{
	struct ctl *ctl = t->ctl;
	struct json *j;

	if (t->new_key && ctl_mxmd_runs(ctl))
		backup_fail(ctl, 0,
		    "the signing key has changed: restart mxmd and mxm-jobs on "
		    "all hosts");
	if (!t->has_model)
		backup_fail(ctl, 0,
		    "the backup has no recommendation model; train one: mxmctl "
		    "recommend train");
	if (!ctl->json) {
		backup_print(ctl, NULL, unpack_facts(t->from));
		printf("restored; %d migration%s applied\n", t->migrations,
		    t->migrations == 1 ? " was" : "s were");
		return EX_OK;
	}
	j = ctl_json(ctl);
	json_object(j);
	backup_print(ctl, j, unpack_facts(t->from));
	json_key(j, "migrations");
	json_int(j, t->migrations);
	json_key(j, "key_changed");
	json_bool(j, t->new_key != NULL);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
ctl_restore(struct ctl *ctl, int argc, char **argv)
{
	struct task t = { .ctl = ctl };
	const char *path = argv[1];
	struct stat st;
	int status;

	(void)argc;
	t.replace = ctl_option(ctl, "--replace") != NULL;
	t.yes = ctl_option(ctl, "--yes") != NULL;
	t.end_sessions = ctl_option(ctl, "--end-sessions") != NULL;
	stop_catch_signals();
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("mxmctl", LOG_LEVEL_ERROR); /* not each wait for a lock */
	progress_init(&t.shown, ctl_shows_progress(ctl));
	status = unpack_open(ctl, path, &t.from);
	if (status != EX_OK)
		return status;
	progress_begin(
	    &t.shown, "restore", stat(path, &st) == 0 ? st.st_size : 0);
	status = restore(&t);
	progress_clear(&t.shown);
	return status == EX_OK ? report(&t) : status;
}
