/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Worker sets. A set is all workers that were started with the same settings;
 * each of its entries is one worker process, which is restarted when it dies.
 * The workers of an older set serve until all workers of the newest set are
 * ready, and are then drained. One loop waits for signals (signalfd), ready
 * events of workers (eventfd) and timeouts.
 */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "prefork.h"

#define MS INT64_C(1000)

#define STEADY_US     (10000 * MS) /* ran at least so long: no back-off */
#define PAUSE_LEAST   (100 * MS)
#define PAUSE_MOST    (10000 * MS)
#define DRAIN_SPARE   (5000 * MS) /* beyond the request deadline */
#define TICK_LEAST_MS 20
#define TICK_MOST_MS  1000

struct worker {
	int pool;
	pid_t pid; /* 0: not running */
	int slot;
	int64_t started_us;
	int64_t start_us;   /* not running: earliest start */
	int64_t stopped_us; /* since when stopped by a signal; 0: running */
	int fails;          /* failures in quick succession */
	bool killed;        /* by the master, for the deadline */
};

struct worker_set {
	struct worker_set *older;
	struct prefork_plan plan;
	unsigned generation;
	bool ready;    /* all workers have been ready */
	bool draining; /* SIGTERM was sent */
	int64_t kill_us;
	int n;
	struct worker *worker;
};

struct master {
	const struct prefork_setup *setup;
	struct shm *shm;
	struct worker_set *set; /* newest first */
	unsigned generation;
	int signal_fd;
	int ready_fd;
	int handover[SHM_POOLS][2]; /* receiving, sending */
	sigset_t before;
	int64_t watchdog_us; /* when it is due next */
	bool stopping;
	int killed_at_end;
};

static void
notify(const struct master *m, const char *state)
{
	if (m->setup->notify)
		m->setup->notify(m->setup->arg, state);
}

/* ----------------------------------------------------------- worker sets */

static struct worker_set *
set_new(struct master *m, const struct prefork_plan *plan)
{
	struct worker_set *c = mem_new(NULL, struct worker_set);
	int pool, i, n = 0;

	c->plan = *plan;
	c->generation = ++m->generation;
	c->older = m->set;
	m->set = c;
	for (pool = 0; pool < SHM_POOLS; pool++)
		c->n += plan->workers[pool];
	c->worker = mem_array(c, struct worker, c->n);
	for (pool = 0; pool < SHM_POOLS; pool++) {
		for (i = 0; i < plan->workers[pool]; i++) {
			c->worker[n].pool = pool;
			c->worker[n].slot = -1;
			n++;
		}
	}
	return c;
}

static void
set_free(struct worker_set *c)
{
	talloc_free(c->plan.settings);
	talloc_free(c);
}

static bool
set_is_empty(const struct worker_set *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (c->worker[i].pid)
			return false;
	return true;
}

static bool
set_is_ready(const struct master *m, const struct worker_set *c)
{
	struct shm_worker w;
	int i;

	for (i = 0; i < c->n; i++)
		if (!c->worker[i].pid ||
		    !shm_slot_read(m->shm, c->worker[i].slot, &w) ||
		    w.state != SHM_READY)
			return false;
	return true;
}

static void
set_drain(struct master *m, struct worker_set *c, int64_t now)
{
	int i;

	/* mark all first, so that none hands its connections to another */
	for (i = 0; i < c->n; i++)
		if (c->worker[i].pid)
			shm_slot_state(m->shm, c->worker[i].slot, SHM_DRAINING);
	for (i = 0; i < c->n; i++)
		if (c->worker[i].pid)
			kill(c->worker[i].pid, SIGTERM);
	c->draining = true;
	c->kill_us = now + c->plan.deadline_ms * MS + DRAIN_SPARE;
}

static void
set_kill(struct master *m, struct worker_set *c)
{
	int i;

	for (i = 0; i < c->n; i++) {
		if (!c->worker[i].pid || c->worker[i].killed)
			continue;
		log_warn("worker %d did not exit in time; killed",
		    (int)c->worker[i].pid);
		kill(c->worker[i].pid, SIGKILL);
		c->worker[i].killed = true;
		m->killed_at_end++;
	}
}

/* Frees older sets without running workers. */
static void
sets_free_empty(struct master *m)
{
	struct worker_set *newer = m->set, *c;

	while (newer && (c = newer->older)) {
		if (set_is_empty(c)) {
			newer->older = c->older;
			set_free(c);
		} else {
			newer = c;
		}
	}
}

/* --------------------------------------------------------------- workers */

/* In the child: closes what a worker does not need. Does not return. */
static void
become_worker(struct master *m, const struct worker_set *c,
    const struct worker *worker, pid_t master)
{
	struct prefork_role role = {
		.pool = worker->pool,
		.slot = worker->slot,
		.listen_fd = m->setup->listen_fd[worker->pool],
		.handover_fd = m->handover[worker->pool][0],
		.handover_send_fd = m->handover[worker->pool][1],
		.ready_fd = m->ready_fd,
		.master = master,
	};
	int pool;

	close(m->signal_fd);
	for (pool = 0; pool < SHM_POOLS; pool++) {
		if (pool == worker->pool)
			continue;
		close(m->setup->listen_fd[pool]);
		close(m->handover[pool][0]);
		close(m->handover[pool][1]);
	}
	shm_slot_mine(m->shm, worker->slot);
	m->setup->work(&role, c->plan.settings);
	_exit(EXIT_FAILURE);
}

static int64_t
pause_after(int fails)
{
	int64_t us = PAUSE_LEAST;

	if (fails <= 1)
		return 0;
	for (; fails > 2 && us < PAUSE_MOST; fails--)
		us *= 2;
	return us < PAUSE_MOST ? us : PAUSE_MOST;
}

static void
worker_start(
    struct master *m, struct worker_set *c, struct worker *worker, int64_t now)
{
	pid_t master = getpid();

	worker->slot = shm_slot_take(m->shm, worker->pool, c->generation);
	if (worker->slot < 0) {
		log_error("more than %d workers are not supported", SHM_SLOTS);
		worker->start_us = now + PAUSE_MOST;
		return;
	}
	worker->started_us = now;
	worker->stopped_us = 0;
	worker->killed = false;
	worker->pid = fork();
	if (worker->pid == 0)
		become_worker(m, c, worker, master);
	if (worker->pid > 0)
		return;
	log_error("fork: %s", strerror(errno));
	worker->pid = 0;
	shm_slot_free(m->shm, worker->slot);
	worker->start_us = now + PAUSE_MOST;
}

/* Why the master killed a worker. */
static const char *
reason_of(const struct worker *worker)
{
	if (!worker->killed)
		return "";
	return worker->stopped_us ?
		   ", stopped for longer than the request deadline" :
		   ", past the request deadline";
}

/* Logs how a worker ended and which request it was serving. */
static void
log_death(const struct master *m, const struct worker *worker, int status,
    int64_t now)
{
	char how[64], what[SHM_NAME + 64] = "", when[64] = "now";
	struct shm_worker w;

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof how, "exited with status %d",
		    WEXITSTATUS(status));
	if (shm_slot_read(m->shm, worker->slot, &w) && w.busy_us > 0)
		snprintf(what, sizeof what, " while serving %s for %d ms",
		    w.route < 0 ? "a request" : shm_route_name(m->shm, w.route),
		    (int)((now - w.busy_us) / MS));
	if (worker->start_us > now)
		snprintf(when, sizeof when, "in %d ms (failure %d in a row)",
		    (int)((worker->start_us - now) / MS), worker->fails);
	log_field("MXM_WORKER_PID", "%d", (int)worker->pid);
	log_field("MXM_POOL", "%s", m->setup->pool_name[worker->pool]);
	log_event(LOG_LEVEL_ERROR,
	    worker->killed         ? EVENT_WORKER_OVERDUE :
	    worker->start_us > now ? EVENT_WORKER_BACKOFF :
				     EVENT_WORKER_DIED,
	    "worker %d (%s) %s%s%s; replaced %s", (int)worker->pid,
	    m->setup->pool_name[worker->pool], how, what, reason_of(worker),
	    when);
}

static void
worker_ended(
    struct master *m, struct worker_set *c, struct worker *worker, int status)
{
	int64_t now = clock_steady_us();

	if (!c->draining) {
		worker->fails = now - worker->started_us > STEADY_US ?
				    1 :
				    worker->fails + 1;
		worker->start_us = now + pause_after(worker->fails);
		log_death(m, worker, status, now);
		shm_happened(m->shm, SHM_RESTARTS);
	} else if (WIFSIGNALED(status) && !worker->killed) {
		log_error("worker %d was killed by signal %d while draining",
		    (int)worker->pid, WTERMSIG(status));
	}
	shm_slot_free(m->shm, worker->slot);
	worker->pid = 0;
}

/* The worker ended, was stopped or continued. */
static void
worker_changed(
    struct master *m, struct worker_set *c, struct worker *worker, int status)
{
	if (WIFSTOPPED(status)) {
		worker->stopped_us = clock_steady_us();
		log_event(LOG_LEVEL_WARNING, EVENT_WORKER_STOPPED,
		    "worker %d (%s) was stopped by signal %d (%s)",
		    (int)worker->pid, m->setup->pool_name[worker->pool],
		    WSTOPSIG(status), strsignal(WSTOPSIG(status)));
	} else if (WIFCONTINUED(status)) {
		worker->stopped_us = 0;
		log_info("worker %d was continued", (int)worker->pid);
	} else {
		worker_ended(m, c, worker, status);
	}
}

static void
reap(struct master *m)
{
	const int all = WNOHANG | WUNTRACED | WCONTINUED;
	struct worker_set *c;
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, all)) > 0)
		for (c = m->set; c; c = c->older)
			for (i = 0; i < c->n; i++)
				if (c->worker[i].pid == pid)
					worker_changed(
					    m, c, &c->worker[i], status);
	sets_free_empty(m);
}

/*
 * Kills a worker that has been busy with one request for too long, or stopped
 * for as long, because requests on its connections wait for it.
 */
static void
check_deadline(
    struct master *m, struct worker_set *c, struct worker *worker, int64_t now)
{
	int64_t least = now - c->plan.deadline_ms * MS;
	struct shm_worker w;

	if (!worker->pid || worker->killed ||
	    !shm_slot_read(m->shm, worker->slot, &w))
		return;
	if ((w.busy_us == 0 || w.busy_us > least) &&
	    (worker->stopped_us == 0 || worker->stopped_us > least))
		return;
	worker->killed = true;
	shm_happened(m->shm, SHM_DEADLINES);
	kill(worker->pid, SIGKILL);
}

/* ------------------------------------------------------------- the loop */

static void
stop(struct master *m)
{
	struct worker_set *c;

	if (m->stopping) {
		for (c = m->set; c; c = c->older)
			set_kill(m, c);
		return;
	}
	log_info("stopping: the workers finish their requests");
	notify(m, "STOPPING=1\nSTATUS=draining");
	m->stopping = true;
	for (c = m->set; c; c = c->older)
		set_drain(m, c, clock_steady_us());
}

static void
reload(struct master *m)
{
	struct prefork_plan plan;

	if (m->stopping || !m->setup->reload)
		return;
	if (!m->setup->reload(m->setup->arg, &plan)) {
		shm_happened(m->shm, SHM_REFUSED_RELOADS);
		return;
	}
	shm_happened(m->shm, SHM_RELOADS);
	set_new(m, &plan);
	log_event(LOG_LEVEL_INFO, EVENT_RELOADED,
	    "reload: starting %d new worker%s", m->set->n, PLURAL(m->set->n));
}

/* Once the newest set is ready, drains the older ones. */
static void
drain_older(struct master *m, int64_t now)
{
	struct worker_set *c = m->set;
	char state[96];

	assert(c);
	if (c->ready || m->stopping || !set_is_ready(m, c))
		return;
	c->ready = true;
	snprintf(state, sizeof state,
	    "READY=1\nSTATUS=workers: %d fast, %d slow, generation %u",
	    c->plan.workers[0], c->plan.workers[1], c->generation);
	notify(m, state);
	log_event(LOG_LEVEL_INFO, EVENT_READY,
	    "ready: %d worker%s, generation %u", c->n, PLURAL(c->n),
	    c->generation);
	for (c = c->older; c; c = c->older)
		if (!c->draining)
			set_drain(m, c, now);
}

static void
read_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			stop(m);
			break;
		case SIGHUP:
			reload(m);
			break;
		default: /* SIGCHLD: see reap() */
			break;
		}
	}
}

/* Whether each pool has a worker that is ready and not stopped by a signal. */
static bool
pools_answer(const struct master *m)
{
	bool answers[SHM_POOLS];
	const struct worker_set *c;
	struct shm_worker w;
	int i;

	for (i = 0; i < SHM_POOLS; i++)
		answers[i] = m->set->plan.workers[i] == 0;
	for (c = m->set; c; c = c->older) {
		for (i = 0; i < c->n; i++) {
			const struct worker *worker = &c->worker[i];

			if (worker->pid && !worker->stopped_us &&
			    shm_slot_read(m->shm, worker->slot, &w) &&
			    w.state == SHM_READY)
				answers[worker->pool] = true;
		}
	}
	for (i = 0; i < SHM_POOLS; i++)
		if (!answers[i])
			return false;
	return true;
}

/*
 * Only while requests are served; if they are not when it is due, as soon as
 * they are.
 */
static void
ping_watchdog(struct master *m, int64_t now)
{
	if (m->setup->watchdog_us == 0 || now < m->watchdog_us)
		return;
	if (!m->stopping && !pools_answer(m))
		return;
	notify(m, "WATCHDOG=1");
	m->watchdog_us = now + m->setup->watchdog_us;
}

/* Starts the missing workers that are due; returns the time until the next one
 * is due, at most `next`.
 */
static int64_t
start_workers(struct master *m, struct worker_set *c, int64_t now, int64_t next)
{
	int i;

	for (i = 0; i < c->n; i++) {
		if (c->worker[i].pid)
			continue;
		if (c->worker[i].start_us <= now)
			worker_start(m, c, &c->worker[i], now);
		else if (c->worker[i].start_us - now < next)
			next = c->worker[i].start_us - now;
	}
	return next;
}

/* Whether connections wait because no worker of the pool accepts them. */
static void
check_backlog(struct master *m)
{
	struct pollfd p[SHM_POOLS];
	int pool;

	for (pool = 0; pool < SHM_POOLS; pool++)
		p[pool] = (struct pollfd){ .fd = m->setup->listen_fd[pool],
			.events = POLLIN };
	(void)poll(p, SHM_POOLS, 0);
	for (pool = 0; pool < SHM_POOLS; pool++)
		shm_set_backlog(m->shm, pool, p[pool].revents & POLLIN);
}

/* Runs what is due; returns the milliseconds until the next event. */
static int
run_due(struct master *m)
{
	int64_t now = clock_steady_us(), next = TICK_MOST_MS * MS;
	struct worker_set *c;
	int i;

	for (c = m->set; c; c = c->older) {
		if (c->plan.deadline_ms * MS / 8 < next)
			next = c->plan.deadline_ms * MS / 8;
		for (i = 0; i < c->n; i++)
			check_deadline(m, c, &c->worker[i], now);
		if (!c->draining)
			next = start_workers(m, c, now, next);
		else if (now > c->kill_us)
			set_kill(m, c);
	}
	drain_older(m, now);
	check_backlog(m);
	ping_watchdog(m, now);
	if (next < TICK_LEAST_MS * MS)
		next = TICK_LEAST_MS * MS;
	return (int)(next / MS);
}

static bool
all_ended(const struct master *m)
{
	const struct worker_set *c;

	for (c = m->set; c; c = c->older)
		if (!set_is_empty(c))
			return false;
	return true;
}

static bool
open_all(struct master *m)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	size_t i;
	int pool;

	sigemptyset(&set);
	for (i = 0; i < array_len(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, &m->before);
	m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	m->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->signal_fd < 0 || m->ready_fd < 0) {
		log_error("signalfd, eventfd: %s", strerror(errno));
		return false;
	}
	for (pool = 0; pool < SHM_POOLS; pool++) {
		if (socketpair(AF_UNIX,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			m->handover[pool]) != 0) {
			log_error("socketpair: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

static void
close_all(struct master *m)
{
	int pool;

	close(m->signal_fd);
	close(m->ready_fd);
	for (pool = 0; pool < SHM_POOLS; pool++) {
		close(m->handover[pool][0]);
		close(m->handover[pool][1]);
	}
	sigprocmask(SIG_SETMASK, &m->before, NULL);
}

int
prefork_run(const struct prefork_setup *setup, const struct prefork_plan *plan)
{
	struct master *m = mem_new(NULL, struct master);
	struct pollfd wait[2] = { { .events = POLLIN }, { .events = POLLIN } };
	uint64_t events;
	int killed;

	m->setup = setup;
	m->shm = setup->shm;
	if (!open_all(m)) {
		talloc_free(m);
		return -1;
	}
	set_new(m, plan);
	wait[0].fd = m->signal_fd;
	wait[1].fd = m->ready_fd;
	while (!m->stopping || !all_ended(m)) {
		(void)poll(wait, 2, run_due(m));
		if (wait[1].revents &&
		    read(m->ready_fd, &events, sizeof events) < 0)
			log_debug("the ready event was read already");
		read_signals(m);
		reap(m);
	}
	killed = m->killed_at_end;
	close_all(m);
	set_free(m->set);
	talloc_free(m);
	return killed;
}

void
prefork_ready(struct shm *shm, const struct prefork_role *role)
{
	const uint64_t one = 1;

	shm_slot_state(shm, role->slot, SHM_READY);
	if (write(role->ready_fd, &one, sizeof one) != sizeof one)
		log_warn("cannot notify the master: %s", strerror(errno));
}

bool
prefork_has_peers(const struct shm *shm, const struct prefork_role *role)
{
	struct shm_worker w;
	int i;

	if (getppid() != role->master)
		return false;
	for (i = 0; i < SHM_SLOTS; i++)
		if (i != role->slot && shm_slot_read(shm, i, &w) &&
		    w.pool == role->pool && w.state == SHM_READY)
			return true;
	return false;
}
