/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The master, with workers that do as a test tells them. The master runs in a
 * process of its own; what it and the workers do is seen in the shared counters
 * and on a board that all of them map.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "prefork.h"

#define FAST_POOL 0
#define SLOW_POOL 1
#define PATIENCE  INT64_C(10000000)
#define TIMES     16

enum manner {
	DUTIFUL, /* ready, and ends when told */
	MORTAL,  /* dies at once */
	BUSY,    /* ready, then busy for ever */
	DEAF,    /* ready, and does not end when told */
	LATE     /* ready when the test says so */
};

static struct board {
	_Atomic int manner; /* of workers that are forked from now on */
	_Atomic int go;     /* LATE ones may be ready */
	_Atomic int forks;
	_Atomic int64_t time[TIMES]; /* of each fork */
	_Atomic int peers, orphans;  /* results of prefork_has_peers() */
	_Atomic int freed;           /* settings that ended */
	_Atomic int refuse;          /* reload: the settings are bad */
	_Atomic int asked;           /* how often for new settings */
	_Atomic int told_ready, told_watchdog, told_stopping;
	_Atomic int deadline_ms;
} * board;

static char folder[] = "/tmp/mxm-fork-XXXXXX";
static struct shm *shm;
static pid_t master;

static int64_t
now(void)
{
	return clock_steady_us();
}

static void
nap(void)
{
	(void)poll(NULL, 0, 2);
}

/* ---------------------------------------------------------------- workers */

static void
wait_for_end(const struct prefork_role *role)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &number);
	if (prefork_has_peers(shm, role))
		board->peers++;
	else
		board->orphans++;
	_exit(0);
}

static void
work(const struct prefork_role *role, void *settings)
{
	int n = board->forks++, manner = board->manner;

	(void)settings;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (n < TIMES)
		board->time[n] = now();
	if (manner == MORTAL)
		_exit(3);
	while (manner == LATE && !board->go)
		nap();
	prefork_ready(shm, role);
	if (manner == BUSY)
		shm_busy(shm);
	while (manner == BUSY || manner == DEAF)
		nap();
	wait_for_end(role);
}

/* ----------------------------------------------------------------- master */

static int
settings_end(char *settings)
{
	(void)settings;
	board->freed++;
	return 0;
}

static void
fill_plan(struct prefork_plan *plan, int fast, int slow)
{
	char *settings = mem_text(NULL, "settings");

	talloc_set_destructor(settings, settings_end);
	plan->workers[FAST_POOL] = fast;
	plan->workers[SLOW_POOL] = slow;
	plan->deadline_ms = board->deadline_ms;
	plan->settings = settings;
}

static bool
reload(void *arg, struct prefork_plan *out)
{
	(void)arg;
	board->asked++;
	if (board->refuse)
		return false;
	fill_plan(out, 3, 1);
	return true;
}

static void
notify(void *arg, const char *state)
{
	(void)arg;
	board->told_ready += strstr(state, "READY=1") != NULL;
	board->told_watchdog += strstr(state, "WATCHDOG=1") != NULL;
	board->told_stopping += strstr(state, "STOPPING=1") != NULL;
}

static void
be_master(int fast, int slow)
{
	struct prefork_setup setup = {
		.shm = shm,
		.pool_name = { "fast", "slow" },
		.work = work,
		.reload = reload,
		.notify = notify,
		.watchdog_us = 20000,
	};
	struct prefork_plan plan;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), pool;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (pool = 0; pool < SHM_POOLS; pool++)
		setup.listen_fd[pool] = dup(null);
	log_open("test", LOG_LEVEL_ERROR);
	fill_plan(&plan, fast, slow);
	_exit(prefork_run(&setup, &plan));
}

static void
start(enum manner manner, int fast, int slow)
{
	board->manner = manner;
	master = fork();
	if (master == 0)
		be_master(fast, slow);
	cr_assert_gt(master, 0);
}

/* Exit status of the master, within its time. */
static int
ended(void)
{
	int64_t until = now() + PATIENCE;
	int status = 0;

	while (waitpid(master, &status, WNOHANG) == 0) {
		cr_assert_lt(now(), until, "the master does not end");
		nap();
	}
	master = 0;
	cr_assert(WIFEXITED(status), "the master died: %d", status);
	return WEXITSTATUS(status);
}

static void
begin(void)
{
	static const char *const names[] = { "GET /" };
	const char *why = "";

	mem_init();
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(
	    shm_create(NULL, folder, names, 1, &shm, &why), ERR_OK, "%s", why);
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(board, MAP_FAILED);
	board->deadline_ms = 10000;
}

static void
end(void)
{
	if (master > 0)
		(void)kill(master, SIGKILL);
	(void)unlink(mem_printf(NULL, "%s/mxm.shm", folder));
	(void)rmdir(folder);
}

/* ------------------------------------------------------------------ views */

/* Workers in a state, of one generation (0: of any); *pid is one of them. */
static int
count(enum shm_state state, unsigned generation, pid_t *pid)
{
	struct shm_worker w;
	int n = 0, i;

	for (i = 0; i < SHM_SLOTS; i++) {
		if (!shm_slot_read(shm, i, &w) || w.state != state ||
		    (generation && w.generation != generation))
			continue;
		n++;
		if (pid)
			*pid = w.pid;
	}
	return n;
}

static void
wait_ready(int n, unsigned generation)
{
	int64_t until = now() + PATIENCE;

	while (count(SHM_READY, generation, NULL) != n) {
		cr_assert_lt(now(), until, "%d of %d are ready",
		    count(SHM_READY, generation, NULL), n);
		nap();
	}
}

#define WAIT(CONDITION)                                                    \
	do {                                                               \
		int64_t until_ = now() + PATIENCE;                         \
                                                                           \
		while (!(CONDITION)) {                                     \
			cr_assert_lt(now(), until_, "never: " #CONDITION); \
			nap();                                             \
		}                                                          \
	} while (0)

TestSuite(prefork, .init = begin, .fini = end, .timeout = 60);

/* ------------------------------------------------------------------ tests */

Test(prefork, fills_both_pools_and_drains_them)
{
	struct shm_worker w;
	int i, fast = 0;

	start(DUTIFUL, 3, 2);
	wait_ready(5, 1);
	for (i = 0; i < SHM_SLOTS; i++)
		fast += shm_slot_read(shm, i, &w) && w.pool == FAST_POOL;
	cr_assert_eq(fast, 3);
	WAIT(board->told_ready == 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
	cr_assert_eq(board->orphans, 5);
	cr_assert_eq(board->peers, 0);
	cr_assert_eq(board->told_stopping, 1);
	cr_assert_eq(count(SHM_READY, 0, NULL), 0);
	cr_assert_eq(shm_events(shm, SHM_RESTARTS), 0);
}

Test(prefork, the_watchdog_is_fed_only_when_all_are_ready)
{
	start(LATE, 1, 1);
	WAIT(count(SHM_STARTING, 1, NULL) == 2 && board->forks == 2);
	cr_assert_eq(board->told_watchdog, 0);
	board->go = 1;
	WAIT(board->told_watchdog > 2);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, the_watchdog_is_not_fed_while_a_pool_does_not_answer)
{
	int told, forks;
	pid_t victim;

	start(DUTIFUL, 1, 1);
	wait_ready(2, 1);
	board->manner = MORTAL;
	cr_assert_eq(count(SHM_READY, 1, &victim), 2);
	kill(victim, SIGKILL);
	forks = board->forks;
	WAIT(board->forks > forks);
	told = board->told_watchdog;
	forks = board->forks;
	WAIT(board->forks >= forks + 3); /* at least 300 ms, 15 pings */
	cr_assert_leq(board->told_watchdog, told + 1);
	board->manner = DUTIFUL;
	WAIT(board->told_watchdog > told + 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, the_watchdog_is_fed_while_only_new_settings_fail)
{
	int told;

	start(DUTIFUL, 1, 1);
	wait_ready(2, 1);
	board->manner = MORTAL;
	kill(master, SIGHUP);
	WAIT(board->forks >= 2 + 8);
	told = board->told_watchdog;
	WAIT(board->told_watchdog > told + 2);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, a_killed_worker_is_replaced_at_once)
{
	pid_t victim;
	int64_t then;

	start(DUTIFUL, 2, 1);
	wait_ready(3, 1);
	cr_assert_gt(count(SHM_READY, 1, &victim), 0);
	then = now();
	kill(victim, SIGKILL);
	WAIT(board->forks == 4);
	cr_assert_lt(board->time[3] - then, 2000000);
	wait_ready(3, 1);
	cr_assert_eq(shm_events(shm, SHM_RESTARTS), 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, one_that_keeps_dying_is_started_less_and_less_often)
{
	start(MORTAL, 1, 0);
	WAIT(board->forks >= 5);
	/* at once, then after 100, 200 and 400 ms */
	cr_assert_geq(board->time[2] - board->time[1], 100000);
	cr_assert_geq(board->time[3] - board->time[2], 200000);
	cr_assert_geq(board->time[4] - board->time[3], 400000);
	cr_assert_eq(board->told_ready, 0);
	board->manner = DUTIFUL;
	wait_ready(1, 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, one_that_hangs_is_killed_and_replaced)
{
	pid_t idle;

	board->deadline_ms = 100;
	start(DUTIFUL, 1, 0);
	wait_ready(1, 1);
	(void)count(SHM_READY, 1, &idle);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);

	start(BUSY, 1, 0);
	WAIT(shm_events(shm, SHM_DEADLINES) >= 1);
	board->manner = DUTIFUL;
	WAIT(shm_events(shm, SHM_RESTARTS) >= shm_events(shm, SHM_DEADLINES));
	wait_ready(1, 0);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, one_that_is_idle_is_left_alone)
{
	int64_t until;

	board->deadline_ms = 100;
	start(DUTIFUL, 1, 1);
	wait_ready(2, 1);
	for (until = now() + 500000; now() < until;)
		nap();
	cr_assert_eq(board->forks, 2);
	cr_assert_eq(shm_events(shm, SHM_DEADLINES), 0);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, a_reload_starts_new_workers_before_it_drains_the_old_ones)
{
	start(DUTIFUL, 2, 1);
	wait_ready(3, 1);
	WAIT(board->told_ready == 1);
	board->manner = LATE;
	kill(master, SIGHUP);
	WAIT(board->forks == 3 + 4);
	cr_assert_eq(count(SHM_READY, 1, NULL), 3);
	cr_assert_eq(board->peers + board->orphans, 0);
	board->go = 1;
	wait_ready(4, 2);
	WAIT(board->peers == 3);
	WAIT(board->freed == 1); /* the old settings are unused */
	cr_assert_eq(board->orphans, 0);
	cr_assert_eq(shm_events(shm, SHM_RELOADS), 1);
	cr_assert_eq(board->told_ready, 2);
	board->manner = DUTIFUL;
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
	cr_assert_eq(board->freed, 2);
}

Test(prefork, old_workers_are_restarted_while_new_ones_cannot_start)
{
	pid_t victim;
	int forks;

	start(DUTIFUL, 2, 1);
	wait_ready(3, 1);
	board->manner = MORTAL;
	kill(master, SIGHUP);
	WAIT(board->forks >= 3 + 8);
	cr_assert_eq(count(SHM_READY, 1, &victim), 3);
	board->manner = DUTIFUL;
	kill(victim, SIGKILL);
	forks = board->forks;
	WAIT(board->forks > forks);
	wait_ready(4, 2); /* mended: the new set takes over after all */
	WAIT(count(SHM_READY, 1, NULL) == 0);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, bad_settings_change_nothing)
{
	start(DUTIFUL, 2, 1);
	wait_ready(3, 1);
	board->refuse = 1;
	kill(master, SIGHUP);
	WAIT(board->asked == 1);
	board->refuse = 0;
	kill(master, SIGHUP);
	wait_ready(4, 2); /* the second generation is that of the good ones */
	cr_assert_eq(shm_events(shm, SHM_RELOADS), 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, many_reloads_in_a_row_leave_one_set_of_workers)
{
	int i;

	start(DUTIFUL, 2, 1);
	wait_ready(3, 1);
	for (i = 0; i < 20; i++) {
		kill(master, SIGHUP);
		nap();
	}
	WAIT(count(SHM_READY, 0, NULL) == 4 &&
	     count(SHM_DRAINING, 0, NULL) == 0 &&
	     count(SHM_STARTING, 0, NULL) == 0);
	/* every set but the newest is gone, and its settings with it */
	WAIT(board->freed == (int)shm_events(shm, SHM_RELOADS));
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 0);
}

Test(prefork, a_second_signal_kills_who_does_not_listen)
{
	start(DEAF, 1, 1);
	wait_ready(2, 1);
	kill(master, SIGTERM);
	WAIT(board->told_stopping == 1);
	kill(master, SIGTERM);
	cr_assert_eq(ended(), 2); /* so many were killed */
}
