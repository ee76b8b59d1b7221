/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmd: the web service. main() reads options and settings, makes sure that it
 * is the only one in its run_dir, opens the two sockets or takes them from
 * systemd, looks at the schema if a database answers, and hands over to the
 * master's loop.
 */
#include "base/base.h"

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "base/text.h"
#include "db/db.h"
#include "db/migrate.h"
#include "http/route.h"
#include "notify.h"
#include "prefork.h"
#include "worker.h"

#define LISTEN_FDS_START 3
#define BACKLOG          1024

_Static_assert(SHM_POOLS == POOL__MAX, "a pool more or less");

struct mxmd {
	TALLOC_CTX *mem;
	const char *config;
	struct conf *conf; /* of the newest crew */
	struct shm *shm;
	int listen_fd[POOL__MAX];
	char *own[POOL__MAX]; /* the socket file that is ours to remove */
};

static const char *const pool_names[POOL__MAX] = {
	[FAST] = "fast",
	[SLOW] = "slow",
};

/* ---------------------------------------------------------------- settings */

/* NULL when something is wrong with them; then the log says what. */
static struct conf *
read_settings(TALLOC_CTX *mem, const char *file)
{
	struct conf_errors errors = { NULL, 0 };
	struct conf *conf;
	size_t i;

	if (conf_load(mem, file, &conf, &errors) == ERR_OK)
		return conf;
	for (i = 0; i < errors.n; i++)
		log_error("%s", errors.list[i]);
	return NULL;
}

static void
make_plan(struct conf *conf, struct prefork_plan *out)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 1)
		cores = 1;
	memset(out, 0, sizeof *out);
	out->workers[FAST] = conf->workers ? conf->workers : (int)(2 * cores);
	out->workers[SLOW] =
	    conf->slow_workers ? conf->slow_workers : (int)cores;
	out->deadline_ms = conf->request_deadline;
	out->settings = conf;
}

static bool
reload(void *arg, struct prefork_plan *out)
{
	struct mxmd *d = arg;
	TALLOC_CTX *mem = mem_need(talloc_named_const(NULL, 0, "settings"));
	struct conf *conf = read_settings(mem, d->config);
	char *restart;

	if (!conf) {
		log_error("the settings are bad; going on with the old ones");
		talloc_free(mem);
		return false;
	}
	restart = conf_needs_restart(mem, d->conf, conf);
	if (restart)
		log_warn("%s: the change takes a restart", restart);
	conf_log(conf, "mxmd");
	make_plan(conf, out);
	out->settings = mem_need(talloc_steal(NULL, conf));
	talloc_free(mem);
	d->conf = conf;
	return true;
}

/* ----------------------------------------------------------------- sockets */

/*
 * Takes the sockets that systemd opened for us (sd_listen_fds(3)); those
 * without a known name are taken in the order of the pools.
 */
static void
take_sockets(struct mxmd *d)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int64_t n = 0, who = 0;
	int i;

	if (!pid || !count || !text_to_int64(pid, &who) || who != getpid())
		return;
	if (!text_to_int64(count, &n))
		return;
	for (i = 0; i < n && i < POOL__MAX; i++) {
		size_t len = names ? strcspn(names, ":") : 0;
		int pool = i, k;

		for (k = 0; k < POOL__MAX; k++) {
			if (len == strlen(pool_names[k]) &&
			    strncmp(names, pool_names[k], len) == 0)
				pool = k;
		}
		d->listen_fd[pool] = LISTEN_FDS_START + i;
		(void)fcntl(d->listen_fd[pool], F_SETFD, FD_CLOEXEC);
		(void)fcntl(d->listen_fd[pool], F_SETFL, O_NONBLOCK);
		if (names)
			names += len + (names[len] == ':');
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

/* Gives the socket file its mode and group. */
static bool
dress_socket(const struct conf *conf, const char *path)
{
	struct group *group;

	if (conf->socket_group[0]) {
		group = getgrnam(conf->socket_group);
		if (!group) {
			log_error("socket_group: there is no group \"%s\"",
			    conf->socket_group);
			return false;
		}
		if (chown(path, (uid_t)-1, group->gr_gid) != 0) {
			log_error("%s: cannot give it to group %s: %s; set "
				  "socket_group, or be in that group",
			    path, conf->socket_group, strerror(errno));
			return false;
		}
	}
	if (chmod(path, conf->socket_mode) == 0)
		return true;
	log_error("%s: %s", path, strerror(errno));
	return false;
}

/*
 * A socket of our own. A file that a dead master left is replaced: the lock on
 * run_dir has shown that no other master of ours lives, and a socket somebody
 * else answers at is left alone.
 */
static int
own_socket(const struct conf *conf, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(fd >= 0);
	if (strlen(path) >= sizeof address.sun_path) {
		log_error("%s: a socket's path holds at most %zu bytes; set a "
			  "shorter run_dir",
		    path, sizeof address.sun_path - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
		log_error("another server answers at %s", path);
		return -1;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	(void)close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert(fd >= 0);
	(void)umask(0077);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	(void)umask(0027);
	return dress_socket(conf, path) ? fd : -1;
}

static const char *
socket_path(const struct conf *conf, int pool)
{
	return pool == FAST ? conf->listen_fast : conf->listen_slow;
}

static bool
open_sockets(struct mxmd *d)
{
	int pool;

	for (pool = 0; pool < POOL__MAX; pool++)
		d->listen_fd[pool] = -1;
	take_sockets(d);
	for (pool = 0; pool < POOL__MAX; pool++) {
		if (d->listen_fd[pool] >= 0)
			continue;
		d->listen_fd[pool] =
		    own_socket(d->conf, socket_path(d->conf, pool));
		if (d->listen_fd[pool] < 0)
			return false;
		/* a copy: the settings end before the sockets do */
		d->own[pool] = mem_text(d->mem, socket_path(d->conf, pool));
	}
	return true;
}

static void
remove_sockets(const struct mxmd *d)
{
	int pool;

	for (pool = 0; pool < POOL__MAX; pool++) {
		if (d->own[pool])
			(void)unlink(d->own[pool]);
	}
}

/* ---------------------------------------------------------------- one only */

/*
 * Locks and writes <run_dir>/mxmd.pid; the lock lasts as long as we do. false:
 * another master has it.
 */
static bool
lock_run_dir(const struct mxmd *d)
{
	char *path = mem_printf(d->mem, "%s/mxmd.pid", d->conf->run_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char *text;

	if (fd < 0) {
		log_error("%s: %s; make the folder, owned by the user of mxmd",
		    path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		log_error(
		    "another mxmd runs with run_dir %s", d->conf->run_dir);
		return false;
	}
	text = mem_printf(d->mem, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ schema */

/*
 * true unless a database answers whose schema is not ours. One that is away is
 * no reason to stay down: requests get 503 until it is there.
 */
static bool
schema_fits(const struct mxmd *d)
{
	TALLOC_CTX *mem = mem_need(talloc_named_const(NULL, 0, "schema"));
	struct db *db = db_new(mem,
	    mem_printf(mem, "%s connect_timeout=2", d->conf->database), 2000);
	struct schema schema = { .verdict = SCHEMA_CURRENT };
	bool fits = true;

	if (db_connect(db) == ERR_OK &&
	    migrate_state(mem, db, &schema) == ERR_OK &&
	    schema.verdict != SCHEMA_CURRENT) {
		log_error("%s", schema.sentence);
		fits = false;
	}
	talloc_free(mem);
	return fits;
}

/* -------------------------------------------------------------------- main */

static void
tell_manager(void *arg, const char *state)
{
	(void)arg;
	notify_manager(state);
}

static struct shm *worker_shm;

static void
work(const struct prefork_role *role, void *settings)
{
	worker_run(role, settings, worker_shm);
}

static bool
make_counters(struct mxmd *d)
{
	const char **names = mem_array(d->mem, const char *, n_routes);
	const char *why = "";
	int i;

	for (i = 0; i < n_routes; i++)
		names[i] = mem_printf(d->mem, "%s %s",
		    method_name(routes[i].method), routes[i].pattern);
	if (shm_create(d->mem, d->conf->run_dir, names, n_routes, &d->shm,
		&why) == ERR_OK)
		return true;
	log_error("%s", why);
	return false;
}

static int64_t
watchdog_us(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t us = 0;

	return text && text_to_int64(text, &us) && us > 0 ? us / 2 : 0;
}

static int
run(struct mxmd *d)
{
	struct prefork_setup setup = { .arg = d };
	struct prefork_plan plan;
	int pool, killed;

	if (!lock_run_dir(d))
		return EX_CANTCREAT;
	if (!schema_fits(d))
		return EX_DATAERR;
	if (!open_sockets(d))
		return EX_CANTCREAT;
	if (!make_counters(d))
		return EX_CANTCREAT;
	worker_shm = setup.shm = d->shm;
	for (pool = 0; pool < POOL__MAX; pool++) {
		setup.listen_fd[pool] = d->listen_fd[pool];
		setup.pool_name[pool] = pool_names[pool];
	}
	setup.work = work;
	setup.reload = reload;
	setup.tell = tell_manager;
	setup.watchdog_us = watchdog_us();
	make_plan(d->conf, &plan);
	killed = prefork_run(&setup, &plan);
	remove_sockets(d);
	return killed < 0 ? EX_SOFTWARE : EX_OK;
}

static void
print_help(void)
{
	printf("usage: mxmd [--config FILE] [--check]\n\n"
	       "  --config FILE  settings (default %s)\n"
	       "  --check        only see whether the settings are good\n"
	       "  --help         this\n"
	       "  --version      the version\n\n"
	       "The manual page mxmd(8) tells more.\n",
	    CONF_FILE);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct mxmd d = { .config = CONF_FILE };
	bool check = false;
	int option;

	mem_init();
	log_open("mxmd", LOG_LEVEL_INFO);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			d.config = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'h':
			print_help();
			return EX_OK;
		case 'V':
			printf("mxmd %s\n", PACKAGE_VERSION);
			return EX_OK;
		default:
			return EX_USAGE;
		}
	}
	d.mem = mem_need(talloc_named_const(NULL, 0, "mxmd"));
	d.conf = read_settings(NULL, d.config);
	if (!d.conf)
		return EX_CONFIG;
	if (check)
		return EX_OK;
	conf_log(d.conf, "mxmd");
	return run(&d);
}
