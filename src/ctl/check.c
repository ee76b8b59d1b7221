/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: is everything as it should be? One line for each thing, with
 * what to do where it is not. The exit status tells the class of the first
 * failure: settings 78, data 65, something away 69, permissions 77. With
 * "settings" it looks at nothing but these, as before a start.
 */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/common.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/settings.h"
#include "recommend/fit.h"

/* What one look found. */
struct finding {
	const char *what;
	int status;       /* EX_OK: fine */
	const char *text; /* how it is, or what is wrong and what to do */
};

#define FINDINGS_MAX 64

/* worker_connections: what nginx has when nothing is said, and what we want. */
#define NGINX_DEFAULT 512
#define NGINX_ENOUGH  8192

struct findings {
	struct ctl *ctl;
	struct finding list[FINDINGS_MAX];
	size_t n;
};

static void
found(struct findings *f, const char *what, int status, const char *text)
{
	assert(f->n < FINDINGS_MAX);
	f->list[f->n++] = (struct finding){ what, status, text };
}

static void
check_database(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;
	struct db *db = db_new(f->ctl->mem, conf->database, 5000);
	struct schema schema;

	if (db_connect(db) != ERR_OK) {
		found(f, "database", EX_UNAVAILABLE,
		    mem_printf(f->ctl->mem,
			"%s; see the setting `database` and whether "
			"PostgreSQL runs",
			db_complaint(db)));
		return;
	}
	found(f, "database", EX_OK, "answers");
	if (migrate_state(f->ctl->mem, db, &schema) != ERR_OK)
		found(f, "schema", EX_UNAVAILABLE, db_complaint(db));
	else if (schema.verdict == SCHEMA_CURRENT)
		found(f, "schema", EX_OK, "is current");
	else
		found(f, "schema", EX_DATAERR, schema.sentence);
}

static void
check_cache(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;
	struct cache *cache = cache_new(f->ctl->mem, conf->cache_servers);
	struct cache_key key;
	struct cache_item item;

	if (!conf->cache_servers[0]) {
		found(f, "cache", EX_OK, "none is set; answers are not kept");
		return;
	}
	key_make(cache, &key, "check", NULL, 0);
	if (cache_get_many(f->ctl->mem, cache, &key, &item, 1) &&
	    !cache_is_away(cache))
		found(f, "cache", EX_OK, "answers");
	else
		found(f, "cache", EX_UNAVAILABLE,
		    mem_printf(f->ctl->mem,
			"nobody answers at %s; is memcached running, with -s "
			"and a mode that lets us in?",
			conf->cache_servers));
}

/* A folder that we must be able to write into. */
static void
check_folder(struct findings *f, const char *what, const char *path)
{
	if (access(path, W_OK | X_OK) == 0)
		found(f, what, EX_OK, path);
	else
		found(f, what, EX_NOPERM,
		    mem_printf(f->ctl->mem,
			"%s: %s; make it, owned by the user of mxmd", path,
			strerror(errno)));
}

static void
check_mail(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;

	if (conf->mail_transport == MAIL_FILE && !conf->mail_dir[0])
		found(f, "mail", EX_CONFIG,
		    "mail_transport is file, but mail_dir is empty; set it");
	else if (conf->mail_transport == MAIL_FILE)
		check_folder(f, "mail", conf->mail_dir);
	else
		found(f, "mail", EX_OK, conf->smtp_url);
}

static void
check_dictionary(struct findings *f)
{
	if (common_dictionary_is_there(common_dictionary()))
		found(f, "dictionary", EX_OK, "of common passwords is there");
	else
		found(f, "dictionary", EX_UNAVAILABLE,
		    "of common passwords is missing; install cracklib-runtime "
		    "and run update-cracklib");
}

static bool
somebody_answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	memcpy(
	    address.sun_path, path, strlen(path) + 1); /* conf.c has looked */
	good = fd >= 0 &&
	       connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

static void
check_sockets(struct findings *f)
{
	const char *const paths[] = { f->ctl->conf->listen_fast,
		f->ctl->conf->listen_slow };
	size_t i;

	for (i = 0; i < array_len(paths); i++) {
		if (somebody_answers(paths[i]))
			continue;
		found(f, "sockets", EX_UNAVAILABLE,
		    mem_printf(f->ctl->mem,
			"%s: %s; is mxmd running, and may we connect?",
			paths[i], strerror(errno)));
		return;
	}
	found(f, "sockets", EX_OK, "mxmd answers at both");
}

/*
 * Has nginx room for slow clients (README)? Looked at only where our site is
 * installed, in /etc/nginx or where MXM_NGINX_DIR says. A setting that is not
 * in nginx.conf itself, but in a file that it includes, is not found.
 */
static void
check_nginx(struct findings *f)
{
	const char *dir = getenv("MXM_NGINX_DIR");
	TALLOC_CTX *mem = f->ctl->mem;
	int connections = NGINX_DEFAULT;
	char line[1024];
	FILE *in;

	if (!dir)
		dir = "/etc/nginx";
	if (access(mem_printf(mem, "%s/moviesxmovies", dir), F_OK) != 0)
		return;
	in = fopen(mem_printf(mem, "%s/nginx.conf", dir), "re");
	while (in && fgets(line, sizeof line, in))
		(void)sscanf(line, " worker_connections %d", &connections);
	if (in)
		fclose(in);
	if (connections >= NGINX_ENOUGH)
		found(f, "nginx", EX_OK, "has room for slow clients");
	else
		found(f, "nginx", EX_CONFIG,
		    mem_printf(mem,
			"worker_connections is %d in %s/nginx.conf, which one "
			"slow client can use up; set %d",
			connections, dir, NGINX_ENOUGH));
}

static int
report(const struct findings *f)
{
	struct json *j = f->ctl->json ? ctl_json(f->ctl) : NULL;
	int status = EX_OK;
	size_t i;

	if (j)
		json_list(j);
	for (i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];

		if (status == EX_OK)
			status = one->status;
		if (!j) {
			printf("%-7s %-12s %s\n",
			    one->status == EX_OK ? "ok" : "FAILED", one->what,
			    one->text);
			continue;
		}
		json_object(j);
		json_key(j, "what");
		json_text(j, one->what);
		json_key(j, "ok");
		json_bool(j, one->status == EX_OK);
		json_key(j, "text");
		json_text(j, one->text);
		json_object_end(j);
	}
	if (!j)
		return status;
	json_list_end(j);
	return ctl_json_done(j, status);
}

/* What only training reads, and would refuse. */
static void
check_tuning(struct findings *f)
{
	const struct conf *conf = f->ctl->conf;
	const char *place = conf->source[CONF_ID_recommend_tuning], *why;
	struct fit_options o;

	fit_defaults(&o);
	why = fit_set_all(f->ctl->mem, &o, conf->recommend_tuning);
	if (why)
		found(f, "settings", EX_CONFIG,
		    mem_printf(f->ctl->mem,
			"%s: recommend_tuning: %s; \"mxmctl recommend tune\" "
			"finds good ones",
			place ? place : conf->file, why));
}

/* Settings first: without them there is nothing to look at. */
static bool
check_settings(struct findings *f)
{
	struct conf_errors errors = { NULL, 0 };
	struct conf *conf;
	size_t i;

	if (settings_load(f->ctl->mem, f->ctl->config, &conf, &errors) ==
	    ERR_OK) {
		f->ctl->conf = conf;
		found(f, "settings", EX_OK, conf->file);
		check_tuning(f);
		return true;
	}
	for (i = 0; i < errors.n && i < FINDINGS_MAX; i++)
		found(f, "settings", EX_CONFIG, errors.list[i]);
	return false;
}

int
ctl_check(struct ctl *ctl, int argc, char **argv)
{
	struct findings f = { .ctl = ctl, .n = 0 };
	bool settings = argc > 1 && strcmp(argv[1], "settings") == 0;
	int status;

	if (argc > 1 && strcmp(argv[1], "sql") == 0)
		return ctl_check_sql(ctl, argc - 1, argv + 1);
	status = ctl_plain(ctl, argc - settings, argv + settings);
	if (status != EX_OK)
		return status;
	if (check_settings(&f) && !settings) {
		check_database(&f);
		check_cache(&f);
		check_folder(&f, "media", ctl->conf->media_root);
		check_mail(&f);
		check_dictionary(&f);
		check_sockets(&f);
		check_nginx(&f);
	}
	return report(&f);
}
