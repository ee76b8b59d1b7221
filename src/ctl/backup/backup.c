/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl backup: database, pictures and keys in one file. The order makes it
 * consistent without locks: the pictures that are older than the backup, then
 * the snapshot of the database, then the newer pictures, then the dump of the
 * snapshot. The file of a picture is written before its row, under a name made
 * from its content, and job prune_accounts removes it only when it is older
 * than an hour and no row has it. So the file of a row of the snapshot was
 * either there before the backup, and is read even if it is removed later, or
 * is newer and still there.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/backup/backup.h"
#include "ctl/stop.h"
#include "db/migrate.h"

#define SETTINGS_MAX (1 << 20)
#define CLOCK_SKEW   600 /* seconds: between this clock and the file system's */

struct task {
	struct ctl *ctl;
	struct db *db;
	const struct passwd *user;
	struct pack *pack;
	struct progress shown;
	struct backup_facts facts;
	struct media_count media;
	bool zstd;
};

/* ------------------------------------------------------------- shared */

int
backup_fail(const struct ctl *ctl, int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr,
	    "%smxmctl %s: ", isatty(STDERR_FILENO) ? "\r\033[K" : "",
	    ctl->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

int
backup_stopped(const struct ctl *ctl)
{
	(void)ctl;
	return ctl_stop ? 128 + ctl_stop : EX_OK;
}

void
backup_use_utf8(void)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

	if (utf8)
		(void)uselocale(utf8);
}

static void
print_count(const char *name, int64_t n)
{
	if (n >= 0)
		printf("%-11s %" PRId64 "\n", name, n);
}

static void
put_count(struct json *j, const char *name, int64_t n)
{
	json_key(j, name);
	json_int(j, n);
}

void
backup_print(struct ctl *ctl, struct json *j, const struct backup_facts *f)
{
	const struct dump_counts *n = &f->counts;

	(void)ctl;
	if (!j) {
		printf("made        %s on %s by version %s, migration %d\n",
		    f->created_at, f->host, f->version, f->schema);
		print_count("accounts", n->accounts);
		print_count("movies", n->movies);
		print_count("ratings", n->ratings);
		print_count("reviews", n->reviews);
		print_count("pictures", f->pictures);
		print_count("bytes", f->bytes);
		return;
	}
	json_key(j, "created_at");
	json_text(j, f->created_at);
	json_key(j, "host");
	json_text(j, f->host);
	json_key(j, "version");
	json_text(j, f->version);
	put_count(j, "schema", f->schema);
	put_count(j, "accounts", n->accounts);
	put_count(j, "movies", n->movies);
	put_count(j, "ratings", n->ratings);
	put_count(j, "reviews", n->reviews);
	put_count(j, "pictures", f->pictures);
	put_count(j, "bytes", f->bytes);
}

/* ------------------------------------------------------------ members */

static int
add_manifest(struct task *t)
{
	struct backup_facts *f = &t->facts;
	char host[HOST_NAME_MAX + 1] = "", now[32];
	time_t at = time(NULL);
	struct json j;
	struct buf out;
	struct tm tm;

	(void)gethostname(host, sizeof host - 1);
	strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	f->version = PACKAGE_VERSION;
	f->host = mem_text(t->ctl->mem, host);
	f->created_at = mem_text(t->ctl->mem, now);
	buf_init(&out, t->ctl->mem, 512);
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "program");
	json_text(&j, "moviesxmovies");
	put_count(&j, "format", BACKUP_FORMAT);
	put_count(&j, "schema", f->schema);
	json_key(&j, "version");
	json_text(&j, f->version);
	json_key(&j, "host");
	json_text(&j, f->host);
	json_key(&j, "created_at");
	json_text(&j, f->created_at);
	json_object_end(&j);
	buf_putc(&out, '\n');
	return pack_add(t->pack, BACKUP_MANIFEST, out.data, out.len);
}

static int
add_settings_file(struct task *t, const char *path, const char *member)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), status;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > SETTINGS_MAX) {
		if (fd >= 0)
			close(fd);
		return EX_OK; /* has been read as settings: not a plain file */
	}
	status = pack_copy(t->pack, member, fd, st.st_size, st.st_mtime);
	close(fd);
	return status;
}

/* The settings file, and conf.d beside it. */
static int
add_settings(struct task *t)
{
	const char *file = t->ctl->config, *slash = strrchr(file, '/');
	char *folder = mem_printf(t->ctl->mem, "%.*sconf.d",
	    slash ? (int)(slash - file) + 1 : 0, file);
	int status = add_settings_file(t, file, BACKUP_SETTINGS "mxm.conf");
	struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir && status == EX_OK && (entry = readdir(dir)) != NULL) {
		if (!backup_is_path(entry->d_name))
			continue;
		status = add_settings_file(t,
		    mem_printf(t->ctl->mem, "%s/%s", folder, entry->d_name),
		    mem_printf(t->ctl->mem, BACKUP_SETTINGS "conf.d/%s",
			entry->d_name));
	}
	if (dir)
		closedir(dir);
	return status;
}

/* The values, wherever they are set. */
static int
add_keys(struct task *t)
{
	int status = EX_OK;

	for (int i = 0; status == EX_OK && i < CONF__MAX; i++) {
		const struct conf_setting *s = &conf_settings[i];
		const char *value = t->ctl->conf->text[i];
		char *text;

		if (!(s->flags & HIDDEN) || !*value)
			continue;
		text = mem_printf(t->ctl->mem, "%s\n", value);
		status = pack_add(t->pack,
		    mem_printf(t->ctl->mem, BACKUP_KEYS "%s", s->name), text,
		    strlen(text));
	}
	return status;
}

struct parts {
	struct task *t;
	char *data; /* BACKUP_PART bytes */
	size_t n;
	int number;
};

static int
add_part(struct parts *d)
{
	char name[32];
	size_t n = d->n;

	if (n == 0)
		return EX_OK;
	snprintf(name, sizeof name, BACKUP_DATABASE "%08d", ++d->number);
	d->n = 0;
	return pack_add(d->t->pack, name, d->data, n);
}

static int
take_output(void *arg, const char *p, size_t n)
{
	struct parts *d = arg;
	int status = EX_OK;

	while (status == EX_OK && n > 0) {
		size_t part = BACKUP_PART - d->n;

		part = n < part ? n : part;
		memcpy(d->data + d->n, p, part);
		d->n += part;
		p += part;
		n -= part;
		if (d->n == BACKUP_PART)
			status = add_part(d);
	}
	return status;
}

/* Extensions: those of the migrations; others are the administrator's. */
static int
start_dump(struct task *t, const char *snapshot, struct program **out)
{
	const char *why = NULL;
	const char *const *env = dump_environment(t->ctl->mem, t->db, &why);
	const char *const argv[] = { "pg_dump", "--format=custom", "--no-owner",
		"--no-privileges", "--no-comments", "--no-password",
		"--schema=public", "--extension=pg_trgm",
		"--extension=unaccent", "--exclude-table-data=public.touch",
		"--lock-wait-timeout=60s",
		mem_printf(t->ctl->mem, "--snapshot=%s", snapshot),
		t->zstd ? "--compress=0" : "--compress=6", NULL };

	if (!env)
		return backup_fail(t->ctl, EX_CONFIG,
		    "database: pg_dump cannot be given %s", why);
	return program_start(t->ctl, argv, env, t->user, out);
}

static int
add_dump(struct task *t, const struct dump *dump)
{
	struct parts d = { t, NULL, 0, 0 };
	struct program *p = NULL;
	int status = start_dump(t, dump->snapshot, &p);

	d.data = mem_array(t->ctl->mem, char, BACKUP_PART);
	if (status == EX_OK)
		status = program_feed(t->ctl, p, NULL, 0, take_output, &d);
	if (status == EX_OK)
		status = program_end(t->ctl, p);
	return status == EX_OK ? add_part(&d) : status;
}

static int
take_snapshot(struct task *t, struct dump *dump)
{
	enum err e = dump_begin(t->ctl->mem, t->db, dump);

	if (e)
		return ctl_failed(t->ctl, t->db, e);
	if (dump->schema != t->facts.schema)
		return backup_fail(t->ctl, EX_TEMPFAIL,
		    "the schema was migrated during the backup; run it again");
	t->facts.counts = dump->counts;
	return EX_OK;
}

/* What cannot be stored is counted at each reading. */
static int
add_media(struct task *t, time_t at, bool since)
{
	t->media.skipped = 0;
	return media_pack(t->ctl, t->pack, at, since, &t->media);
}

static int
add_all(struct task *t)
{
	time_t began = time(NULL) - CLOCK_SKEW;
	struct dump dump;
	int status = add_manifest(t);

	if (status == EX_OK)
		status = add_settings(t);
	if (status == EX_OK)
		status = add_keys(t);
	if (status == EX_OK)
		status = add_media(t, began, false);
	if (status == EX_OK)
		status = take_snapshot(t, &dump);
	if (status == EX_OK)
		status = add_media(t, began, true);
	if (status == EX_OK)
		status = add_dump(t, &dump);
	if (status == EX_OK)
		dump_end(t->db);
	return status == EX_OK ? pack_finish(t->pack, &t->facts.counts) :
				 status;
}

/* ------------------------------------------------------------ command */

static int
connect_database(struct task *t)
{
	struct schema schema;
	int status;
	enum err e;

	t->user = program_user(t->ctl, t->ctl->conf->database);
	t->db = db_new(t->ctl->mem, t->ctl->conf->database, 0);
	db_interrupt(t->db, &ctl_stop);
	status = program_connect(t->ctl, t->db, t->user);
	if (status != EX_OK)
		return status;
	e = migrate_state(t->ctl->mem, t->db, &schema);
	if (e)
		return ctl_failed(t->ctl, t->db, e);
	t->facts.schema = schema.applied;
	if (schema.applied == 0 || schema.verdict == SCHEMA_AHEAD)
		return backup_fail(t->ctl, EX_DATAERR, "%s", schema.sentence);
	return EX_OK;
}

static int
report(struct task *t, const char *path)
{
	struct json *j;

	if (t->media.skipped > 0)
		backup_fail(t->ctl, 0,
		    "warning: %" PRId64 " %s below %s not stored: links, or "
		    "names with control characters: %s",
		    t->media.skipped,
		    t->media.skipped == 1 ? "entry is" : "entries are",
		    t->ctl->conf->media_root, t->media.first);
	t->facts.pictures = t->media.files;
	t->facts.bytes = pack_bytes(t->pack);
	if (strcmp(path, "-") == 0)
		return EX_OK;
	if (!t->ctl->json) {
		backup_print(t->ctl, NULL, &t->facts);
		return EX_OK;
	}
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "file");
	json_text(j, path);
	backup_print(t->ctl, j, &t->facts);
	put_count(j, "skipped", t->media.skipped);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
ctl_backup(struct ctl *ctl, int argc, char **argv)
{
	struct task t = { .ctl = ctl };
	int status;

	(void)argc;
	t.zstd = ctl_option(ctl, "--zstd") != NULL;
	stop_catch_signals();
	log_open("mxmctl", LOG_LEVEL_ERROR); /* not each wait for a lock */
	progress_init(&t.shown, ctl_shows_progress(ctl));
	status = connect_database(&t);
	if (status == EX_OK)
		status = pack_open(ctl, argv[1], t.zstd, &t.shown, &t.pack);
	if (status == EX_OK)
		status = add_all(&t);
	progress_clear(&t.shown);
	return status == EX_OK ? report(&t, argv[1]) : status;
}
