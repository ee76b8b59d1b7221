/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmd: options, settings, sockets, the schema check; then the loop of the
 * master (prefork.c), whose workers run worker.c.
 */
#include "base/base.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plan.h"
#include "base/shm.h"
#include "base/text.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/settings.h"
#include "http/route.h"
#include "listen.h"
#include "notify.h"
#include "prefork.h"
#include "worker.h"

#define SCHEMA_TIMEOUT_MS 1000

_Static_assert(SHM_POOLS == POOL__MAX, "SHM_POOLS and POOL__MAX differ");

struct daemon {
	const char *file;  /* settings file, absolute */
	struct conf *conf; /* in force */
	struct shm *shm;
	const char *own[SHM_POOLS]; /* paths of sockets created here */
};

/* For forked workers, whose only other argument is the settings. */
static struct shm *shared;

/* ---------------------------------------------------------------- options */

static int
usage(FILE *to, int status)
{
	fputs("usage: mxmd [--config FILE] [--check]\n"
	      "\n"
	      "Serves the API of moviesxmovies over FastCGI.\n"
	      "\n"
	      "  --config FILE  settings file (default " CONF_FILE ")\n"
	      "  --check        check the settings and exit\n"
	      "  --help         print this text\n"
	      "  --version      print the version\n"
	      "\n"
	      "SIGHUP reloads the settings, SIGTERM drains and exits. See\n"
	      "mxmd(8).\n",
	    to);
	return status;
}

/* -1: continue; else the exit status. */
static int
read_options(int argc, char **argv, const char **file, bool *check)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 't' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	*file = CONF_FILE;
	*check = false;
	while ((c = getopt_long(argc, argv, "c:ht", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			*file = optarg;
			break;
		case 't':
			*check = true;
			break;
		case 'h':
			return usage(stdout, EX_OK);
		case 'V':
			printf("mxmd %s\n", PACKAGE_VERSION);
			return EX_OK;
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	return optind == argc ? -1 : usage(stderr, EX_USAGE);
}

/* Reads the settings and logs the errors in them. */
static enum err
read_settings(TALLOC_CTX *mem, const char *file, struct conf **out)
{
	struct conf_errors errors;
	enum err e;
	size_t i;

	e = settings_load(mem, file, out, &errors);
	for (i = 0; i < errors.n; i++)
		log_error("%s", errors.list[i]);
	return e;
}

/* ----------------------------------------------------------------- schema */

/*
 * Runs in a child process, so that libpq is never initialised in the master and
 * a server that does not answer can be given up. Writes an error message if the
 * server or its schema is unsuitable; returns 1 if the database is unavailable.
 */
static int
report_schema(const struct conf *conf, int fd)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct db *db = db_new(mem, conf->database, SCHEMA_TIMEOUT_MS);
	struct schema schema;
	const char *sentence = NULL;
	size_t n;

	if (db_connect(db)) {
		if (!db_is_unfit(db))
			return 1;
		sentence = db_error(db);
	} else if (migrate_state(mem, db, &schema)) {
		return 1;
	} else if (schema.verdict == SCHEMA_CURRENT) {
		return 0;
	} else {
		sentence = schema.sentence;
	}
	n = strlen(sentence);
	return write(fd, sentence, n) == (ssize_t)n ? 0 : 1;
}

/* false: the database is available, but it or its schema is unsuitable. */
static bool
schema_allows(const struct conf *conf)
{
	char sentence[1024];
	int pipe_fd[2], status = 1;
	pid_t pid;

	if (pipe(pipe_fd) != 0) {
		log_error("pipe: %s", strerror(errno));
		return false;
	}
	pid = fork();
	if (pid == 0)
		_exit(report_schema(conf, pipe_fd[1]));
	close(pipe_fd[1]);
	sentence[0] = '\0';
	if (pid > 0)
		(void)file_read_until(pipe_fd[0], sentence, sizeof sentence,
		    clock_steady_us() + SCHEMA_TIMEOUT_MS * 1000);
	close(pipe_fd[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (*sentence) {
		log_event(
		    LOG_LEVEL_ERROR, EVENT_DATABASE_UNSUITABLE, "%s", sentence);
		return false;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_event(LOG_LEVEL_WARNING, EVENT_DATABASE_LOST,
		    "the database is unavailable; requests get 503 until "
		    "it is available");
	return true;
}

/* ---------------------------------------------------------------- workers */

static void
make_plan(struct conf *conf, struct prefork_plan *plan)
{
	struct plan of;

	plan_make(conf, plan_cores(), &of);
	plan->workers[FAST] = of.fast;
	plan->workers[SLOW] = of.slow;
	shm_turn_set(shared, SHM_TURN_HASH, of.hashing);
	/* the last one serves log-ins */
	shm_turn_set(shared, SHM_TURN_AWAIT, of.slow > 1 ? of.slow - 1 : 1);
	plan->deadline_ms = conf->request_deadline;
	plan->settings = conf;
}

static void
work(const struct prefork_role *role, void *settings)
{
	worker_run(role, settings, shared);
}

static bool
reload(void *arg, struct prefork_plan *out)
{
	struct daemon *d = arg;
	struct conf *conf;
	char *names;

	notify_reloading();
	if (read_settings(NULL, d->file, &conf)) {
		log_event(LOG_LEVEL_ERROR, EVENT_RELOAD_REFUSED,
		    "reload: the settings are invalid; the old ones stay "
		    "in force");
		notify_manager("READY=1\nSTATUS=the new settings are invalid; "
			       "the old ones stay in force");
		talloc_free(conf);
		return false;
	}
	names = conf_needs_restart(conf, d->conf, conf);
	if (names)
		log_event(LOG_LEVEL_WARNING, EVENT_RESTART_NEEDED,
		    "reload: a restart is required to change %s", names);
	conf_log(conf, "mxmd");
	d->conf = conf;
	make_plan(conf, out);
	return true;
}

static void
notify(void *arg, const char *state)
{
	(void)arg;
	notify_manager(state);
}

/* Half the watchdog timeout of the service manager. */
static int64_t
watchdog_us(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	const char *owner = getenv("WATCHDOG_PID");
	int64_t us, pid;

	if (owner && (!text_to_int64(owner, &pid) || pid != getpid()))
		return 0;
	return text && text_to_int64(text, &us) && us > 0 ? us / 2 : 0;
}

/* ---------------------------------------------------------------- startup */

static bool
open_sockets(struct daemon *d, int listen_fd[SHM_POOLS])
{
	const char *const paths[SHM_POOLS] = {
		[FAST] = d->conf->listen_fast,
		[SLOW] = d->conf->listen_slow,
	};
	const char *why;
	int pool;

	for (pool = 0; pool < SHM_POOLS; pool++) {
		listen_fd[pool] = listen_inherited(pool_names[pool]);
		if (listen_fd[pool] >= 0)
			continue;
		listen_fd[pool] =
		    listen_own(d->conf, d->conf, paths[pool], &why);
		if (listen_fd[pool] < 0) {
			log_event(
			    LOG_LEVEL_ERROR, EVENT_START_FAILED, "%s", why);
			return false;
		}
		d->own[pool] = mem_text(d, paths[pool]);
	}
	unsetenv("LISTEN_PID");
	return true;
}

static bool
make_shared(struct daemon *d)
{
	const char *names[SHM_ROUTES], *why;
	int i;

	assert(n_routes < SHM_ROUTES);
	for (i = 0; i < n_routes; i++)
		names[i] = mem_printf(d, "%s %s", method_name(routes[i].method),
		    routes[i].pattern);
	if (shm_create(d, d->conf->run_dir, names, n_routes, &d->shm, &why)) {
		log_event(LOG_LEVEL_ERROR, EVENT_START_FAILED, "%s", why);
		return false;
	}
	shared = d->shm;
	if (!shm_limits_open(shared, d->conf->limits_file, LASTING_LIMITS))
		log_event(LOG_LEVEL_WARNING, EVENT_LIMITS_NOT_KEPT,
		    "%s: %s: the limits of log-ins will not survive a "
		    "restart",
		    d->conf->limits_file, strerror(errno));
	return true;
}

/* Opens the sockets and the shared memory, and runs the workers. */
static int
serve(struct daemon *d)
{
	struct prefork_setup setup = {
		.pool_name = { pool_names[FAST], pool_names[SLOW] },
		.work = work,
		.reload = reload,
		.notify = notify,
		.watchdog_us = watchdog_us(),
		.arg = d,
	};
	struct prefork_plan plan;
	int pool, status = EX_OK;

	if (!schema_allows(d->conf))
		return EX_DATAERR;
	if (!open_sockets(d, setup.listen_fd) || !make_shared(d))
		status = EX_CANTCREAT;
	if (status == EX_OK) {
		setup.shm = d->shm;
		make_plan(d->conf, &plan);
		log_event(LOG_LEVEL_INFO, EVENT_STARTED, "mxmd %s started",
		    PACKAGE_VERSION);
		if (prefork_run(&setup, &plan) < 0)
			status = EX_OSERR;
		log_event(LOG_LEVEL_INFO, EVENT_STOPPED, "mxmd stopped");
	}
	for (pool = 0; pool < SHM_POOLS; pool++)
		if (d->own[pool])
			unlink(d->own[pool]);
	return status;
}

/* Serves while holding the lock on run_dir. */
static int
serve_locked(struct daemon *d)
{
	/* copied, because a reload frees these settings */
	char *path = mem_printf(d, "%s/mxmd.pid", d->conf->run_dir);
	const char *why;
	int fd = listen_lock(d, path, &why), status;

	if (fd < 0) {
		log_event(LOG_LEVEL_ERROR, EVENT_START_FAILED, "%s", why);
		return EX_CANTCREAT;
	}
	status = serve(d);
	listen_unlock(path, fd);
	return status;
}

int
main(int argc, char **argv)
{
	struct daemon *d;
	char path[PATH_MAX];
	const char *file;
	bool check;
	int status;

	mem_init();
	status = read_options(argc, argv, &file, &check);
	if (status >= 0)
		return status;
	log_open("mxmd", LOG_LEVEL_INFO);
	d = mem_new(NULL, struct daemon);
	d->file = realpath(file, path) ? path : file;
	status = EX_OK;
	if (read_settings(d, d->file, &d->conf)) {
		log_event(LOG_LEVEL_ERROR, EVENT_SETTINGS_INVALID,
		    "the settings are invalid; not started");
		status = EX_CONFIG;
	}
	if (status == EX_OK && check) {
		puts("the settings are valid");
	} else if (status == EX_OK) {
		conf_log(d->conf, "mxmd");
		status = serve_locked(d);
	}
	talloc_free(d);
	return status;
}
