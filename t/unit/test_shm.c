/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shared file: slots, counters that stay exact, limits, cache flags.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/shm.h"

static char folder[] = "/tmp/mxm-shm-XXXXXX";
static struct shm *shm;
static const char *const routes[] = { "GET /a", "GET /b" };

static void
begin(void)
{
	const char *why = "";

	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(
	    shm_create(NULL, folder, routes, 2, &shm, &why), ERR_OK, "%s", why);
}

static void
end(void)
{
	char path[64];

	snprintf(path, sizeof path, "%s/mxm.shm", folder);
	unlink(path);
	rmdir(folder);
}

TestSuite(shm, .init = begin, .fini = end);

Test(shm, a_reader_sees_what_is_counted)
{
	struct shm *reader;

	cr_assert_eq(shm_open_file(NULL, folder, false, &reader), ERR_OK);
	shm_slot_mine(shm, shm_slot_take(shm, 0, 1));
	shm_count(shm, 1, 404, 1000, SHM_CACHE_MISS);
	shm_count(shm, -1, 404, 10, SHM_CACHE_NONE);
	cr_assert_eq(shm_requests(reader, 1, 404), 1);
	cr_assert_eq(shm_requests(reader, -1, 404), 1);
	cr_assert_eq(shm_requests(reader, 0, 404), 0);
	cr_assert_eq(shm_cache_count(reader, SHM_CACHE_MISS), 1);
	cr_assert_eq(shm_routes(reader), 2);
	cr_assert_str_eq(shm_route_name(reader, 1), "GET /b");
	cr_assert_eq(shm_master(reader), getpid());
}

/* Eight children count a thousand each and die a violent death. */
Test(shm, counters_are_exact_if_a_process_dies)
{
	int i, k;

	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			shm_slot_mine(shm, shm_slot_take(shm, 0, 1));
			for (k = 0; k < 1000; k++)
				shm_count(shm, 0, 200, k, SHM_CACHE_HIT);
			raise(SIGKILL);
		}
	}
	while (wait(NULL) > 0)
		;
	cr_assert_eq(shm_requests(shm, 0, 200), 8000);
	cr_assert_eq(shm_cache_count(shm, SHM_CACHE_HIT), 8000);
}

Test(shm, percentiles_are_near)
{
	int i;
	int64_t half;

	shm_slot_mine(shm, shm_slot_take(shm, 0, 1));
	cr_assert_eq(shm_percentile_us(shm, 0, 0.5), 0);
	for (i = 1; i <= 1000; i++)
		shm_count(shm, 0, 200, i * 100, SHM_CACHE_NONE);
	half = shm_percentile_us(shm, 0, 0.5);
	cr_assert(half >= 45000 && half <= 57000, "%" PRId64, half);
}

Test(shm, slots_tell_what_a_worker_does)
{
	int slot = shm_slot_take(shm, 1, 7);
	struct shm_worker w;

	cr_assert_geq(slot, 0);
	shm_slot_mine(shm, slot);
	shm_busy(shm);
	shm_serving(shm, 1);
	cr_assert(shm_slot_read(shm, slot, &w));
	cr_assert_eq(w.pool, 1);
	cr_assert_eq(w.generation, 7);
	cr_assert_eq(w.route, 1);
	cr_assert_gt(w.busy_us, 0);
	shm_idle(shm);
	cr_assert(shm_slot_read(shm, slot, &w));
	cr_assert_eq(w.busy_us, 0);
	shm_slot_free(shm, slot);
	cr_assert_not(shm_slot_read(shm, slot, &w));
}

#define SECOND INT64_C(1000000)

Test(shm, a_limit_slides)
{
	int64_t now = 1000 * SECOND;
	int i, wait;

	for (i = 0; i < 20; i++)
		cr_assert_eq(shm_limit_at(shm, 1, 99, 20, now), 0);
	wait = shm_limit_at(shm, 1, 99, 20, now);
	cr_assert(wait > 0 && wait <= 60, "%d", wait);
	/* others and other classes are not concerned */
	cr_assert_eq(shm_limit_at(shm, 1, 100, 20, now), 0);
	cr_assert_eq(shm_limit_at(shm, 2, 99, 20, now), 0);
	/* refusals do not count, so after the wait there is room */
	cr_assert_eq(shm_limit_at(shm, 1, 99, 20, now + 121 * SECOND), 0);
	cr_assert_geq(shm_refusals(shm, 1), 1);
}

/* The minute before counts as if spread evenly: half as much again at most. */
Test(shm, a_limit_lets_little_more_through)
{
	int64_t now = 5000 * SECOND;
	int passed = 0, i;

	for (i = 0; i < 1000; i++)
		passed += shm_limit_at(
			      shm, 3, 5, 30, now + i * SECOND * 59 / 1000) == 0;
	cr_assert_leq(passed, 45);
	cr_assert_geq(passed, 25);
}

/* Whatever the limit and the time: after so many seconds, and not before. */
Test(shm, the_wait_is_as_long_as_it_says)
{
	static const unsigned limits[] = { 1, 2, 3, 20, 2000 };
	uint64_t who = 1;
	size_t l;
	int at, wait;

	for (l = 0; l < array_len(limits); l++) {
		for (at = 0; at < 60; at += 7, who++) {
			int64_t now = 60000 * SECOND + at * SECOND + 250000;
			unsigned i;

			for (i = 0; i < limits[l]; i++)
				cr_assert_eq(
				    shm_limit_at(shm, 0, who, limits[l], now),
				    0);
			wait = shm_limit_at(shm, 0, who, limits[l], now);
			cr_assert(wait > 0 && wait <= 120);
			if (wait > 1)
				cr_assert_gt(
				    shm_limit_at(shm, 0, who, limits[l],
					now + (wait - 1) * SECOND),
				    0);
			cr_assert_eq(shm_limit_at(shm, 0, who, limits[l],
					 now + wait * SECOND),
			    0, "limit %u, %d s into the minute, wait %d",
			    limits[l], at, wait);
		}
	}
}

/* All at the same instant, in as many processes: not one too many. */
Test(shm, a_limit_is_exact_under_a_rush)
{
	int status, passed = 0, i;

	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			int mine = 0, k;

			for (k = 0; k < 100; k++)
				mine += shm_limit_at(
					    shm, 1, 7, 200, 90 * SECOND) == 0;
			_exit(mine);
		}
	}
	while (wait(&status) > 0)
		passed += WEXITSTATUS(status);
	cr_assert_eq(passed, 200);
	cr_assert_eq(shm_refusals(shm, 1), 600);
}

Test(shm, no_limit_is_no_limit)
{
	int i;

	for (i = 0; i < 5000; i++)
		cr_assert_eq(shm_limit(shm, 0, 1, 0), 0);
	cr_assert_eq(shm_refusals(shm, 0), 0);
}

/* More callers than entries: all pass, the least recent ones are evicted.
 */
Test(shm, a_table_that_is_full_goes_on)
{
	uint64_t who;

	for (who = 0; who < 300000; who++)
		cr_assert_eq(shm_limit_at(shm, 1, who, 20, 60 * SECOND), 0);
	for (who = 0; who < 20; who++)
		cr_assert_eq(shm_limit_at(shm, 1, 1, 20, 6000 * SECOND), 0);
	cr_assert_gt(shm_limit_at(shm, 1, 1, 20, 6000 * SECOND), 0);
}

Test(shm, an_unknown_status_is_not_lost)
{
	shm_count(shm, 0, 0, -5, SHM_CACHE_NONE);
	shm_count(shm, 0, 1000, INT64_MAX, SHM_CACHE_NONE);
	cr_assert_eq(shm_requests(shm, 0, 599), 2);
	cr_assert_geq(shm_percentile_us(shm, 0, 1.0), 1000000);
}

Test(shm, all_slots_can_be_taken)
{
	int i;

	for (i = 0; i < SHM_SLOTS; i++)
		cr_assert_geq(shm_slot_take(shm, i % 2, 1), 0);
	cr_assert_eq(shm_slot_take(shm, 0, 1), -1);
	shm_slot_free(shm, 17);
	cr_assert_eq(shm_slot_take(shm, 0, 2), 17);
}

Test(shm, what_is_known_of_the_cache_outlives_the_master)
{
	const char *why = "";
	struct shm *next;

	cr_assert(shm_cache_bypass(shm)); /* before the first round */
	shm_touch_clear(shm, clock_steady_us());
	cr_assert_eq(shm_create(NULL, folder, routes, 2, &next, &why), ERR_OK);
	cr_assert_not(shm_cache_bypass(next));
	shm_raise_failed(next);
	cr_assert_eq(shm_create(NULL, folder, routes, 2, &shm, &why), ERR_OK);
	cr_assert(shm_cache_bypass(shm));
}

Test(shm, a_file_of_another_release)
{
	struct shm *other;
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "%s/mxm.shm", folder);
	f = fopen(path, "r+");
	cr_assert_not_null(f);
	fputs("mxm-shm0", f);
	fclose(f);
	cr_assert_eq(shm_open_file(NULL, folder, false, &other), ERR_CONFLICT);
	cr_assert_eq(truncate(path, 100), 0);
	cr_assert_eq(shm_open_file(NULL, folder, false, &other), ERR_CONFLICT);
}

Test(shm, a_folder_that_is_not_there)
{
	const char *why = "";
	struct shm *other;

	cr_assert_eq(shm_create(NULL, "/nonexistent", routes, 2, &other, &why),
	    ERR_UNAVAILABLE);
	cr_assert_not_null(strstr(why, "its directory must exist"));
}

Test(shm, a_failed_raise_takes_the_cache_out)
{
	shm_touch_clear(shm, clock_steady_us());
	cr_assert_not(shm_cache_bypass(shm));
	shm_raise_failed(shm);
	cr_assert(shm_cache_bypass(shm));
	shm_touch_clear(shm, clock_steady_us() + 1);
	cr_assert_not(shm_cache_bypass(shm));
	shm_touch_overdue(shm, true);
	cr_assert(shm_cache_bypass(shm));
	shm_touch_overdue(shm, false);
	cr_assert_not(shm_cache_bypass(shm));
}

Test(shm, a_look_before_the_failure_clears_nothing)
{
	int64_t before = clock_steady_us() - 1;

	shm_raise_failed(shm);
	shm_touch_clear(shm, before);
	cr_assert(shm_cache_bypass(shm));
}

Test(shm, is_not_there_without_a_master)
{
	struct shm *other;

	cr_assert_eq(
	    shm_open_file(NULL, "/nonexistent", false, &other), ERR_NOT_FOUND);
}

Test(shm, a_new_master_replaces_the_file)
{
	struct shm *reader, *next;
	const char *why = "";

	cr_assert_eq(shm_open_file(NULL, folder, true, &reader), ERR_OK);
	cr_assert_not(shm_is_replaced(reader));
	cr_assert_eq(shm_create(NULL, folder, routes, 2, &next, &why), ERR_OK);
	cr_assert(shm_is_replaced(reader));
}

/* Counts of a lasting class are in the file; those of others are not. */
Test(shm, limits_in_a_file_survive_the_master)
{
	char path[64];
	const char *why = "";
	struct shm *next;
	FILE *f;

	snprintf(path, sizeof path, "%s/limits", folder);
	cr_assert(shm_limits_open(shm, path, 1u << 1));
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(shm_limit(shm, 1, 7, 3), 0);
		cr_assert_eq(shm_limit(shm, 2, 7, 3), 0);
	}
	talloc_free(shm);
	cr_assert_eq(shm_create(NULL, folder, routes, 2, &next, &why), ERR_OK);
	cr_assert(shm_limits_open(next, path, 1u << 1));
	cr_assert_gt(shm_limit(next, 1, 7, 3), 0);
	cr_assert_eq(shm_limit(next, 2, 7, 3), 0);
	/* a file of something else is replaced */
	talloc_free(next);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs("nonsense", f);
	fclose(f);
	cr_assert_eq(shm_create(NULL, folder, routes, 2, &next, &why), ERR_OK);
	cr_assert(shm_limits_open(next, path, 1u << 1));
	cr_assert_eq(shm_limit(next, 1, 7, 3), 0);
	unlink(path);
}

Test(shm, limits_without_a_file)
{
	cr_assert_not(shm_limits_open(shm, "/nonexistent/limits", 1u << 1));
	cr_assert_eq(shm_limit(shm, 1, 7, 1), 0);
	cr_assert_gt(shm_limit(shm, 1, 7, 1), 0);
	cr_assert_not(shm_limits_open(shm, "/dev/null", 1u << 1));
	cr_assert_gt(shm_limit(shm, 1, 7, 1), 0);
}

/* A process that takes a place and waits until it is killed. */
static pid_t
holder(int *place)
{
	int fd[2];
	pid_t pid;

	cr_assert_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		int got = shm_turn_take(shm, SHM_TURN_HASH, 0);

		if (write(fd[1], &got, sizeof got) != sizeof got)
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(fd[0], place, sizeof *place), (ssize_t)sizeof *place);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

Test(shm, turns_are_bounded_and_end_with_the_process)
{
	int place[2];
	pid_t pid[2];

	shm_turn_set(shm, SHM_TURN_HASH, 2);
	for (int i = 0; i < 2; i++)
		pid[i] = holder(&place[i]);
	cr_assert_eq(place[0], 0);
	cr_assert_eq(place[1], 1);
	cr_assert_eq(shm_turn_take(shm, SHM_TURN_HASH, 20000), -1);
	/* another kind is not concerned, and has one place by default */
	cr_assert_eq(shm_turn_take(shm, SHM_TURN_AWAIT, 0), 0);
	shm_turn_give(shm, SHM_TURN_AWAIT, 0);
	kill(pid[1], SIGKILL);
	waitpid(pid[1], NULL, 0);
	cr_assert_eq(shm_turn_take(shm, SHM_TURN_HASH, 0), 1);
	shm_turn_give(shm, SHM_TURN_HASH, 1);
	kill(pid[0], SIGKILL);
	waitpid(pid[0], NULL, 0);
}

/* ------------------------------------------------------------- histograms */

Test(shm, durations_are_in_their_bucket)
{
	shm_count(shm, 0, 200, 500, SHM_CACHE_NONE);
	shm_count(shm, 0, 200, 501, SHM_CACHE_NONE);
	shm_count(shm, 0, 200, INT64_MAX / 2, SHM_CACHE_NONE);
	shm_count(shm, -1, 404, -1, SHM_CACHE_NONE);
	cr_assert_eq(shm_bound_us(0), 500);
	cr_assert_eq(shm_took(shm, 0, 0), 1);
	cr_assert_eq(shm_took(shm, 0, 1), 1);
	cr_assert_eq(shm_took(shm, 0, SHM_BOUNDS), 1);
	cr_assert_eq(shm_took(shm, -1, 0), 1);
	for (int i = 1; i < SHM_BOUNDS; i++)
		cr_assert_gt(shm_bound_us(i), shm_bound_us(i - 1));
}

/* One dies before it counts, one after, one before it has read a request. */
Test(shm, a_request_is_counted_or_lost)
{
	int slot[3], i;

	for (i = 0; i < 3; i++) {
		slot[i] = shm_slot_take(shm, i % 2, 1);
		if (fork() == 0) {
			shm_slot_mine(shm, slot[i]);
			if (i < 2)
				shm_accepted(shm);
			if (i < 1)
				shm_count(shm, 0, 200, 1, SHM_CACHE_NONE);
			raise(SIGKILL);
		}
	}
	while (wait(NULL) > 0)
		;
	cr_assert_eq(shm_accepted_count(shm, 0), 1);
	cr_assert_eq(shm_accepted_count(shm, 1), 1);
	cr_assert_eq(shm_requests(shm, 0, 200), 1);
	cr_assert_eq(shm_lost(shm), 0, "it may still be served");
	for (i = 0; i < 3; i++)
		shm_slot_free(shm, slot[i]);
	cr_assert_eq(shm_lost(shm), 1);
	/* never less, whatever is counted without having been accepted */
	shm_count(shm, 0, 200, 1, SHM_CACHE_NONE);
	cr_assert_eq(shm_lost(shm), 1);
}
