/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxm-jobs: the master of the background jobs. It forks one process that
 * fetches models, one that raises generations, two that run jobs, two that run
 * those for which requests wait and one that runs those that may take minutes,
 * restarts those that die, and forwards signals. SIGTERM: each process exits
 * after its current job. SIGHUP: the settings are read again; if they are
 * valid, new processes are started, else nothing changes.
 */
#include "base/base.h"

#include <getopt.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/settings.h"
#include "jobs/jobs.h"
#include "notify.h"

#define PAUSE_MIN_US INT64_C(100000)
#define PAUSE_MAX_US INT64_C(30000000)
#define STEADY_US    INT64_C(10000000) /* ran at least so long: no back-off */
#define DRAIN_US     INT64_C(50000000) /* for the current job */

static const struct role {
	const char *name; /* shown by ps; at most 15 bytes */
	void (*run)(struct jobs *j);
	enum jobs_group group;
} roles[] = {
	{ "mxm-jobs/await", jobs_run, JOBS_AWAITED },
	{ "mxm-jobs/await", jobs_run, JOBS_AWAITED },
	{ "mxm-jobs/long", jobs_run, JOBS_LONG },
	{ "mxm-jobs/model", model_run, JOBS_ALL },
	{ "mxm-jobs/touch", touch_run, JOBS_ALL },
	{ "mxm-jobs/work", jobs_run, JOBS_LATER },
	{ "mxm-jobs/work", jobs_run, JOBS_LATER },
};

struct child {
	pid_t pid; /* 0: none */
	int64_t began;
	int64_t start_at; /* steady clock: earliest start */
	int64_t pause_us;
};

/* The processes of the current settings and those of earlier ones. */
struct master {
	TALLOC_CTX *mem;
	struct conf *conf;
	struct child child[array_len(roles)];
	pid_t *retired; /* of earlier settings: SIGTERM sent, not ended yet */
	size_t n_retired;
	bool stopping;
	int64_t kill_at;
};

static volatile sig_atomic_t stop;

static void
on_stop(int number)
{
	(void)number;
	stop = 1;
}

static const int watched[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

static sigset_t
watched_set(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < array_len(watched); i++)
		sigaddset(&set, watched[i]);
	return set;
}

/* SIGTERM ends a process after its job; other signals are for the master. */
static void
take_signals(void)
{
	struct sigaction action = { .sa_handler = on_stop };
	sigset_t set = watched_set();

	sigaction(SIGTERM, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Does not return. */
static void
child_main(const struct conf *conf, const struct role *role, pid_t master)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	prctl(PR_SET_NAME, role->name);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	take_signals();
	if (getppid() == master) {
		struct jobs *j = jobs_new(mem, conf, &stop);

		j->group = role->group;
		role->run(j);
	}
	talloc_free(mem);
	exit(EXIT_SUCCESS);
}

static void
child_start(struct master *m, size_t i)
{
	struct child *c = &m->child[i];
	pid_t master = getpid();

	c->began = clock_steady_us();
	c->pid = fork();
	if (c->pid == 0)
		child_main(m->conf, &roles[i], master);
	if (c->pid > 0)
		return;
	log_error("%s: fork: %s", roles[i].name, strerror(errno));
	c->pid = 0;
	c->start_at = c->began + PAUSE_MAX_US;
}

/* Starts missing processes that are due; microseconds until the next is due. */
static int64_t
children_start(struct master *m)
{
	int64_t now = clock_steady_us(), next = PAUSE_MAX_US;
	size_t i;

	for (i = 0; i < array_len(roles); i++) {
		struct child *c = &m->child[i];

		if (c->pid == 0 && c->start_at <= now)
			child_start(m, i);
		else if (c->pid == 0 && c->start_at - now < next)
			next = c->start_at - now;
	}
	return next;
}

static void
log_end(const char *name, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_ERROR, EVENT_JOBS_DIED,
		    "%s [%d] was killed by signal %d", name, (int)pid,
		    WTERMSIG(status));
	else
		log_event(LOG_LEVEL_ERROR, EVENT_JOBS_DIED,
		    "%s [%d] exited with status %d", name, (int)pid,
		    WEXITSTATUS(status));
}

/* Restarts are delayed with exponential back-off. */
static void
child_ended(struct master *m, size_t i, int status)
{
	struct child *c = &m->child[i];
	int64_t now = clock_steady_us();

	if (!m->stopping)
		log_end(roles[i].name, c->pid, status);
	c->pid = 0;
	if (now - c->began > STEADY_US)
		c->pause_us = 0;
	c->pause_us = c->pause_us ? 2 * c->pause_us : PAUSE_MIN_US;
	if (c->pause_us > PAUSE_MAX_US)
		c->pause_us = PAUSE_MAX_US;
	c->start_at = now + c->pause_us;
}

/* Logs a process of earlier settings that did not exit normally. */
static void
retired_ended(struct master *m, pid_t pid, int status)
{
	size_t i;

	for (i = 0; i < m->n_retired; i++)
		if (m->retired[i] == pid)
			break;
	if (i == m->n_retired)
		return;
	m->retired[i] = m->retired[--m->n_retired];
	if (status != 0)
		log_end("a process of earlier settings", pid, status);
}

static void
children_reap(struct master *m)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < array_len(roles); i++)
			if (m->child[i].pid == pid)
				break;
		if (i < array_len(roles))
			child_ended(m, i, status);
		else
			retired_ended(m, pid, status);
	}
}

static void
children_signal(const struct master *m, int number)
{
	size_t i;

	for (i = 0; i < array_len(roles); i++)
		if (m->child[i].pid > 0)
			kill(m->child[i].pid, number);
	for (i = 0; i < m->n_retired; i++)
		kill(m->retired[i], number);
}

/* The running processes exit after their current job and are not replaced. */
static void
children_retire(struct master *m)
{
	size_t i;

	children_signal(m, SIGTERM);
	m->retired = mem_grow(
	    m->mem, m->retired, pid_t, m->n_retired + array_len(roles));
	for (i = 0; i < array_len(roles); i++) {
		if (m->child[i].pid > 0)
			m->retired[m->n_retired++] = m->child[i].pid;
		m->child[i] = (struct child){ 0 };
	}
}

/* Reads the settings and logs the errors in them. */
static struct conf *
read_settings(TALLOC_CTX *mem, const char *file)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = NULL;
	enum err e;
	size_t i;

	e = settings_load(mem, file, &conf, &errors);
	for (i = 0; i < errors.n; i++)
		log_error("%s", errors.list[i]);
	return e ? NULL : conf;
}

/* Starts new processes; the old ones exit after their current job. */
static void
reload(struct master *m)
{
	struct conf *conf;

	notify_reloading();
	conf = read_settings(m->mem, m->conf->file);
	if (conf) {
		talloc_free(m->conf);
		m->conf = conf;
		conf_log(conf, "mxm-jobs");
		children_retire(m);
		log_event(LOG_LEVEL_INFO, EVENT_RELOADED,
		    "the settings were reloaded");
	} else {
		log_event(LOG_LEVEL_ERROR, EVENT_RELOAD_REFUSED,
		    "the new settings are invalid; the old ones stay in force");
	}
	notify_manager("READY=1");
}

/* The second time all processes are killed. */
static void
master_stop(struct master *m)
{
	if (m->stopping) {
		m->kill_at = clock_steady_us();
		return;
	}
	log_info("stopping after the current job");
	notify_manager("STOPPING=1");
	m->stopping = true;
	m->kill_at = clock_steady_us() + DRAIN_US;
	children_signal(m, SIGTERM);
}

static bool
master_is_done(const struct master *m)
{
	size_t i;

	for (i = 0; i < array_len(roles); i++)
		if (m->child[i].pid > 0)
			return false;
	return m->stopping && m->n_retired == 0;
}

/* Waits for a signal, at most `us`; 0: timeout. */
static int
wait_signal(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	sigset_t set = watched_set();
	int number = sigtimedwait(&set, NULL, &t);

	return number < 0 ? 0 : number;
}

static int
master_run(struct conf *conf, TALLOC_CTX *mem)
{
	struct master m = { .conf = conf, .mem = mem };
	sigset_t set = watched_set();
	int64_t wait = PAUSE_MAX_US;

	sigprocmask(SIG_BLOCK, &set, NULL);
	log_event(LOG_LEVEL_INFO, EVENT_STARTED, "started");
	notify_manager("READY=1");
	while (!master_is_done(&m)) {
		if (!m.stopping)
			wait = children_start(&m);
		else if (clock_steady_us() >= m.kill_at)
			children_signal(&m, SIGKILL);
		switch (wait_signal(m.stopping ? PAUSE_MIN_US : wait)) {
		case SIGTERM:
		case SIGINT:
			master_stop(&m);
			break;
		case SIGHUP:
			if (!m.stopping)
				reload(&m);
			break;
		default:
			break;
		}
		children_reap(&m);
	}
	log_event(LOG_LEVEL_INFO, EVENT_STOPPED, "stopped");
	return EXIT_SUCCESS;
}

/*
 * Runs everything that is due in this process, or only the periodic jobs;
 * touches last, since jobs touch.
 */
static int
run_once(const struct conf *conf, bool periodic, TALLOC_CTX *mem)
{
	struct jobs *j;
	enum err e;

	take_signals();
	j = jobs_new(mem, conf, &stop);
	if (periodic)
		j->group = JOBS_PERIODIC;
	e = jobs_round(j);
	if (e == ERR_OK && !periodic)
		e = model_round(j);
	if (e == ERR_OK)
		e = touch_round(j);
	if (e)
		log_error("%s", err_slug(e));
	return e ? EX_TEMPFAIL : EX_OK;
}

static int
usage(FILE *out, int status)
{
	fputs("usage: mxm-jobs [--config FILE] [--once | --periodic]\n"
	      "\n"
	      "  --config FILE  settings file (default " CONF_FILE ")\n"
	      "  --once         run the jobs that are due and exit\n"
	      "  --periodic     run the periodic jobs that are due and exit\n"
	      "  --help         print this text\n"
	      "  --version      print the version\n",
	    out);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "once", no_argument, NULL, 'o' },
		{ "periodic", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = CONF_FILE;
	struct conf *conf;
	TALLOC_CTX *mem;
	bool once = false, periodic = false;
	int o;

	mem_init();
	log_open("mxm-jobs", LOG_LEVEL_INFO);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'c')
			file = optarg;
		else if (o == 'o')
			once = true;
		else if (o == 'p')
			once = periodic = true;
		else if (o == 'h')
			return usage(stdout, EXIT_SUCCESS);
		else if (o == 'v')
			return puts("mxm-jobs " PACKAGE_VERSION) < 0;
		else
			return usage(stderr, EX_USAGE);
	}
	if (optind < argc)
		return usage(stderr, EX_USAGE);
	mem = talloc_new(NULL);
	conf = read_settings(mem, file);
	o = EX_CONFIG;
	if (conf) {
		conf_log(conf, "mxm-jobs");
		o = once ? run_once(conf, periodic, mem) :
			   master_run(conf, mem);
	}
	talloc_free(mem);
	return o;
}
