/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Crews and seats. A crew is all workers of one reading of the settings, and a
 * seat is the place of one worker in it, whoever sits there. The newest crew is
 * kept complete; an older one serves until the newest is ready as a whole, then
 * it is told to drain. Everything happens in one loop over a signalfd, the
 * workers' ready marks, and time.
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

#define STEADY_US     (10000 * MS) /* lived so long: no back-off */
#define PAUSE_LEAST   (100 * MS)
#define PAUSE_MOST    (10000 * MS)
#define DRAIN_SPARE   (5000 * MS) /* beyond the request deadline */
#define TICK_LEAST_MS 20
#define TICK_MOST_MS  1000

struct seat {
	int pool;
	pid_t pid; /* 0: empty */
	int slot;
	int64_t born_us;
	int64_t start_us;   /* empty: not before that */
	int64_t stopped_us; /* by a signal, since when; 0: it runs */
	int fails;          /* deaths in quick succession */
	bool killed;        /* by us, for the deadline */
};

struct crew {
	struct crew *older;
	struct prefork_plan plan;
	unsigned generation;
	bool ready;    /* was complete and ready once */
	bool draining; /* told to end */
	int64_t kill_us;
	int n;
	struct seat *seat;
};

struct master {
	const struct prefork_setup *setup;
	struct shm *shm;
	struct crew *crew; /* the newest first */
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
tell(const struct master *m, const char *state)
{
	if (m->setup->tell)
		m->setup->tell(m->setup->arg, state);
}

/* ----------------------------------------------------------------- crews */

static struct crew *
crew_new(struct master *m, const struct prefork_plan *plan)
{
	struct crew *c = mem_new(NULL, struct crew);
	int pool, i, n = 0;

	c->plan = *plan;
	c->generation = ++m->generation;
	c->older = m->crew;
	m->crew = c;
	for (pool = 0; pool < SHM_POOLS; pool++)
		c->n += plan->workers[pool];
	c->seat = mem_array(c, struct seat, c->n);
	for (pool = 0; pool < SHM_POOLS; pool++) {
		for (i = 0; i < plan->workers[pool]; i++) {
			c->seat[n].pool = pool;
			c->seat[n].slot = -1;
			n++;
		}
	}
	return c;
}

static void
crew_free(struct crew *c)
{
	talloc_free(c->plan.settings);
	talloc_free(c);
}

/* Is nobody in it? */
static bool
crew_is_empty(const struct crew *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (c->seat[i].pid)
			return false;
	return true;
}

static bool
crew_is_ready(const struct master *m, const struct crew *c)
{
	struct shm_worker w;
	int i;

	for (i = 0; i < c->n; i++)
		if (!c->seat[i].pid ||
		    !shm_slot_read(m->shm, c->seat[i].slot, &w) ||
		    w.state != SHM_READY)
			return false;
	return true;
}

static void
crew_drain(struct master *m, struct crew *c, int64_t now)
{
	int i;

	/* all at first: none of them is an heir of the others */
	for (i = 0; i < c->n; i++)
		if (c->seat[i].pid)
			shm_slot_state(m->shm, c->seat[i].slot, SHM_DRAINING);
	for (i = 0; i < c->n; i++)
		if (c->seat[i].pid)
			kill(c->seat[i].pid, SIGTERM);
	c->draining = true;
	c->kill_us = now + c->plan.deadline_ms * MS + DRAIN_SPARE;
}

static void
crew_kill(struct master *m, struct crew *c)
{
	int i;

	for (i = 0; i < c->n; i++) {
		if (!c->seat[i].pid || c->seat[i].killed)
			continue;
		log_warn("worker %d did not end in time; killed",
		    (int)c->seat[i].pid);
		kill(c->seat[i].pid, SIGKILL);
		c->seat[i].killed = true;
		m->killed_at_end++;
	}
}

/* Forgets old crews of which nobody is left. */
static void
crews_sweep(struct master *m)
{
	struct crew **at = &m->crew->older, *c;

	while ((c = *at)) {
		if (crew_is_empty(c)) {
			*at = c->older;
			crew_free(c);
		} else {
			at = &c->older;
		}
	}
}

/* ----------------------------------------------------------------- seats */

/* In the child: only what a worker needs stays open. Does not return. */
static void
become_worker(struct master *m, const struct crew *c, const struct seat *seat,
    pid_t master)
{
	struct prefork_role role = {
		.pool = seat->pool,
		.slot = seat->slot,
		.listen_fd = m->setup->listen_fd[seat->pool],
		.handover_fd = m->handover[seat->pool][0],
		.handover_send_fd = m->handover[seat->pool][1],
		.ready_fd = m->ready_fd,
		.master = master,
	};
	int pool;

	close(m->signal_fd);
	for (pool = 0; pool < SHM_POOLS; pool++) {
		if (pool == seat->pool)
			continue;
		close(m->setup->listen_fd[pool]);
		close(m->handover[pool][0]);
		close(m->handover[pool][1]);
	}
	shm_slot_mine(m->shm, seat->slot);
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
seat_fill(struct master *m, struct crew *c, struct seat *seat, int64_t now)
{
	pid_t master = getpid();

	seat->slot = shm_slot_take(m->shm, seat->pool, c->generation);
	if (seat->slot < 0) {
		log_error("no room for more than %d workers", SHM_SLOTS);
		seat->start_us = now + PAUSE_MOST;
		return;
	}
	seat->born_us = now;
	seat->stopped_us = 0;
	seat->killed = false;
	seat->pid = fork();
	if (seat->pid == 0)
		become_worker(m, c, seat, master);
	if (seat->pid > 0)
		return;
	log_error("fork: %s", strerror(errno));
	seat->pid = 0;
	shm_slot_free(m->shm, seat->slot);
	seat->start_us = now + PAUSE_MOST;
}

/* Why we have killed a worker, if it was us. */
static const char *
reason_of(const struct seat *seat)
{
	if (!seat->killed)
		return "";
	return seat->stopped_us ?
		   ", stopped for as long as a request may take" :
		   ", past the request deadline";
}

/* How a worker ended, and what it was at. */
static void
log_death(
    const struct master *m, const struct seat *seat, int status, int64_t now)
{
	char how[64], what[SHM_NAME + 64] = "", when[64] = "at once";
	struct shm_worker w;

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof how, "ended with status %d",
		    WEXITSTATUS(status));
	if (shm_slot_read(m->shm, seat->slot, &w) && w.busy_us > 0)
		snprintf(what, sizeof what, " while serving %s for %d ms",
		    w.route < 0 ? "a request" : shm_route_name(m->shm, w.route),
		    (int)((now - w.busy_us) / MS));
	if (seat->start_us > now)
		snprintf(when, sizeof when, "in %d ms (death %d in a row)",
		    (int)((seat->start_us - now) / MS), seat->fails);
	log_error("worker %d (%s) %s%s%s; replaced %s", (int)seat->pid,
	    m->setup->pool_name[seat->pool], how, what, reason_of(seat), when);
}

static void
seat_left(struct master *m, struct crew *c, struct seat *seat, int status)
{
	int64_t now = clock_steady_us();

	if (!c->draining) {
		seat->fails =
		    now - seat->born_us > STEADY_US ? 1 : seat->fails + 1;
		seat->start_us = now + pause_after(seat->fails);
		log_death(m, seat, status, now);
		shm_happened(m->shm, SHM_RESTARTS);
	} else if (WIFSIGNALED(status) && !seat->killed) {
		log_error("worker %d was killed by signal %d while draining",
		    (int)seat->pid, WTERMSIG(status));
	}
	shm_slot_free(m->shm, seat->slot);
	seat->pid = 0;
}

/* Ended, stopped, or going on again. */
static void
seat_changed(struct master *m, struct crew *c, struct seat *seat, int status)
{
	if (WIFSTOPPED(status)) {
		seat->stopped_us = clock_steady_us();
		log_warn("worker %d (%s) was stopped by signal %d (%s)",
		    (int)seat->pid, m->setup->pool_name[seat->pool],
		    WSTOPSIG(status), strsignal(WSTOPSIG(status)));
	} else if (WIFCONTINUED(status)) {
		seat->stopped_us = 0;
		log_info("worker %d goes on", (int)seat->pid);
	} else {
		seat_left(m, c, seat, status);
	}
}

static void
reap(struct master *m)
{
	const int all = WNOHANG | WUNTRACED | WCONTINUED;
	struct crew *c;
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, all)) > 0)
		for (c = m->crew; c; c = c->older)
			for (i = 0; i < c->n; i++)
				if (c->seat[i].pid == pid)
					seat_changed(m, c, &c->seat[i], status);
	crews_sweep(m);
}

/*
 * Kills a worker that is with one request for too long. One that was stopped is
 * overdue as well: requests on the connections it keeps wait for it alone.
 */
static void
check_deadline(struct master *m, struct crew *c, struct seat *seat, int64_t now)
{
	int64_t least = now - c->plan.deadline_ms * MS;
	struct shm_worker w;

	if (!seat->pid || seat->killed ||
	    !shm_slot_read(m->shm, seat->slot, &w))
		return;
	if ((w.busy_us == 0 || w.busy_us > least) &&
	    (seat->stopped_us == 0 || seat->stopped_us > least))
		return;
	seat->killed = true;
	shm_happened(m->shm, SHM_DEADLINES);
	kill(seat->pid, SIGKILL);
}

/* ------------------------------------------------------------- the loop */

static void
stop(struct master *m)
{
	struct crew *c;

	if (m->stopping) {
		for (c = m->crew; c; c = c->older)
			crew_kill(m, c);
		return;
	}
	log_info("stopping: the workers finish what they have begun");
	tell(m, "STOPPING=1\nSTATUS=draining");
	m->stopping = true;
	for (c = m->crew; c; c = c->older)
		crew_drain(m, c, clock_steady_us());
}

static void
reload(struct master *m)
{
	struct prefork_plan plan;

	if (m->stopping || !m->setup->reload)
		return;
	if (!m->setup->reload(m->setup->arg, &plan))
		return;
	shm_happened(m->shm, SHM_RELOADS);
	crew_new(m, &plan);
	log_info("reload: starting %d new workers", m->crew->n);
}

/* The newest crew is complete: older ones may go. */
static void
relieve(struct master *m, int64_t now)
{
	struct crew *c = m->crew;
	char state[96];

	assert(c);
	if (c->ready || m->stopping || !crew_is_ready(m, c))
		return;
	c->ready = true;
	snprintf(state, sizeof state,
	    "READY=1\nSTATUS=%d fast and %d slow workers, generation %u",
	    c->plan.workers[0], c->plan.workers[1], c->generation);
	tell(m, state);
	log_info("ready: %d workers, generation %u", c->n, c->generation);
	for (c = c->older; c; c = c->older)
		if (!c->draining)
			crew_drain(m, c, now);
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
		default: /* SIGCHLD: reaped in every round */
			break;
		}
	}
}

/* Pinged only while requests are answered. */
static void
feed_watchdog(struct master *m, int64_t now)
{
	if (m->setup->watchdog_us == 0 || now < m->watchdog_us)
		return;
	if (m->stopping || m->crew->ready)
		tell(m, "WATCHDOG=1");
	m->watchdog_us = now + m->setup->watchdog_us;
}

/* Fills the empty seats that may be; returns when the next one may, or `next`.
 */
static int64_t
fill_seats(struct master *m, struct crew *c, int64_t now, int64_t next)
{
	int i;

	for (i = 0; i < c->n; i++) {
		if (c->seat[i].pid)
			continue;
		if (c->seat[i].start_us <= now)
			seat_fill(m, c, &c->seat[i], now);
		else if (c->seat[i].start_us - now < next)
			next = c->seat[i].start_us - now;
	}
	return next;
}

/* Does what is due, and returns the milliseconds until something may be. */
static int
tend(struct master *m)
{
	int64_t now = clock_steady_us(), next = TICK_MOST_MS * MS;
	struct crew *c;
	int i;

	for (c = m->crew; c; c = c->older) {
		if (c->plan.deadline_ms * MS / 8 < next)
			next = c->plan.deadline_ms * MS / 8;
		for (i = 0; i < c->n; i++)
			check_deadline(m, c, &c->seat[i], now);
		if (!c->draining)
			next = fill_seats(m, c, now, next);
		else if (now > c->kill_us)
			crew_kill(m, c);
	}
	relieve(m, now);
	feed_watchdog(m, now);
	if (next < TICK_LEAST_MS * MS)
		next = TICK_LEAST_MS * MS;
	return (int)(next / MS);
}

static bool
everybody_left(const struct master *m)
{
	const struct crew *c;

	for (c = m->crew; c; c = c->older)
		if (!crew_is_empty(c))
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
	uint64_t marks;
	int killed;

	m->setup = setup;
	m->shm = setup->shm;
	if (!open_all(m)) {
		talloc_free(m);
		return -1;
	}
	crew_new(m, plan);
	wait[0].fd = m->signal_fd;
	wait[1].fd = m->ready_fd;
	while (!m->stopping || !everybody_left(m)) {
		(void)poll(wait, 2, tend(m));
		if (wait[1].revents &&
		    read(m->ready_fd, &marks, sizeof marks) < 0)
			log_debug("a ready mark was gone already");
		read_signals(m);
		reap(m);
	}
	killed = m->killed_at_end;
	close_all(m);
	crew_free(m->crew);
	talloc_free(m);
	return killed;
}

void
prefork_ready(struct shm *shm, const struct prefork_role *role)
{
	const uint64_t one = 1;

	shm_slot_state(shm, role->slot, SHM_READY);
	if (write(role->ready_fd, &one, sizeof one) != sizeof one)
		log_warn("the master could not be told that we are ready: %s",
		    strerror(errno));
}

bool
prefork_has_heirs(const struct shm *shm, const struct prefork_role *role)
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
