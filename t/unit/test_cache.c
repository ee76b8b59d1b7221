/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache against a memcached of our own: values, breaker, generations; and
 * against servers that are dead, frozen, started anew, or none at all.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "cache_world.h"

static struct cache_key
key(const char *name)
{
	struct cache_key k;

	key_make(cache, &k, name, NULL, 0);
	return k;
}

static bool
get(struct cache *c, const char *name, struct cache_item *item)
{
	struct cache_key k = key(name);

	return cache_get_many(mem, c, &k, item, 1);
}

static bool
set(struct cache *c, const char *name, const char *value)
{
	struct cache_key k = key(name);

	return cache_set(c, &k, value, strlen(value), 60);
}

static bool
is(const struct cache_item *item, const char *value)
{
	return item->data && item->len == strlen(value) &&
	       memcmp(item->data, value, item->len) == 0;
}

/* Asks until the breaker lets us through again. */
static void
wait_until_back(struct cache *c)
{
	int64_t deadline = clock_steady_us() + 10000000;
	struct cache_item item;

	while (!get(c, "nothing", &item)) {
		cr_assert(clock_steady_us() < deadline, "it does not heal");
		cache_nap();
	}
}

TestSuite(cache, .init = cache_set_up, .fini = cache_tear_down, .timeout = 60);

Test(cache, gives_back_what_was_set)
{
	struct cache_key k[4] = { key("a"), key("b"), key("c"), key("a") };
	struct cache_item item[4];

	cr_assert(cache_set(cache, &k[0], "x\0y\r\n", 5, 60));
	cr_assert(cache_set(cache, &k[2], "", 0, 60));
	cr_assert(cache_get_many(mem, cache, k, item, 4));
	cr_assert_eq(item[0].len, 5);
	cr_assert_eq(memcmp(item[0].data, "x\0y\r\n", 5), 0);
	cr_assert_null(item[1].data);
	cr_assert(is(&item[2], ""));
	cr_assert_eq(item[3].len, 5);
	cr_assert(!cache_is_away(cache));
}

Test(cache, answers_no_keys_at_all)
{
	cr_assert(cache_get_many(mem, cache, NULL, NULL, 0));
}

Test(cache, values_belong_to_the_context)
{
	TALLOC_CTX *own = talloc_new(NULL);
	struct cache_key k = key("a");
	struct cache_item item;

	cr_assert(set(cache, "a", "value"));
	cr_assert(cache_get_many(own, cache, &k, &item, 1));
	cr_assert_eq(talloc_parent(item.data), own);
	talloc_free(own);
}

Test(cache, takes_almost_a_mebibyte)
{
	size_t n = 1024 * 1024 - 512, i;
	char *big = mem_array(mem, char, 2 * n);
	struct cache_key k = key("big");
	struct cache_item item;

	for (i = 0; i < 2 * n; i++)
		big[i] = (char)(i * 7 + i / 251);
	cr_assert(cache_set(cache, &k, big, n, 60));
	cr_assert(cache_get_many(mem, cache, &k, &item, 1));
	cr_assert_eq(item.len, n);
	cr_assert_eq(memcmp(item.data, big, n), 0);
	k = key("bigger");
	cr_assert(cache_set(cache, &k, big, 2 * n, 60), "no error");
	cr_assert(cache_get_many(mem, cache, &k, &item, 1));
	cr_assert_null(item.data);
	cr_assert(set(cache, "a", "in step"));
	cr_assert(get(cache, "a", &item) && is(&item, "in step"));
}

Test(cache, without_servers_holds_nothing)
{
	struct cache *none = cache_new(NULL, "");
	struct cache_key k = key("a");
	struct cache_item item;

	cr_assert(set(none, "a", "value"));
	cr_assert(get(none, "a", &item));
	cr_assert_null(item.data);
	cr_assert_eq(generation_get(none, &k), 0);
	cr_assert(generation_raise(none, &k));
	cr_assert(!cache_is_away(none));
	talloc_free(none);
}

Test(cache, a_dead_server_is_a_miss)
{
	struct cache_item item;
	struct cache_key k = key("a");
	int64_t began = clock_steady_us();
	int i;

	cr_assert(set(cache, "a", "value"));
	cache_stop(0);
	cr_assert(!get(cache, "a", &item));
	cr_assert_null(item.data);
	cr_assert(cache_is_away(cache));
	for (i = 0; i < 100; i++) {
		cr_assert(!get(cache, "a", &item));
		cr_assert(!set(cache, "a", "value"));
		cr_assert_eq(generation_get(cache, &k), 0);
		cr_assert(!generation_raise(cache, &k));
	}
	cr_assert_lt(clock_steady_us() - began, 500000);
	cache_start(0);
	wait_until_back(cache);
	cr_assert(!cache_is_away(cache));
	cr_assert(set(cache, "a", "new"));
	cr_assert(get(cache, "a", &item) && is(&item, "new"));
}

Test(cache, a_frozen_server_costs_one_time_out)
{
	struct cache_item item;
	int64_t began, took;
	int i;

	cr_assert(set(cache, "a", "of a"));
	cr_assert(set(cache, "b", "of b"));
	cache_freeze(0);
	began = clock_steady_us();
	cr_assert(!get(cache, "a", &item));
	took = clock_steady_us() - began;
	cr_assert(took > 50000 && took < 300000, "%d us", (int)took);
	began = clock_steady_us();
	for (i = 0; i < 100; i++)
		cr_assert(!get(cache, "a", &item));
	cr_assert_lt(clock_steady_us() - began, 50000);
	cache_thaw(0);
	wait_until_back(cache);
	cr_assert(get(cache, "b", &item) && is(&item, "of b"));
	cr_assert(get(cache, "a", &item) && is(&item, "of a"));
}

/* Each probe that fails doubles the pause, up to eight seconds. */
Test(cache, the_pause_doubles)
{
	struct cache_item item;
	int64_t began = clock_steady_us(), took;

	cache_stop(0);
	cr_assert(!get(cache, "a", &item));
	while (cache_is_away(cache))
		cache_nap();
	took = clock_steady_us() - began;
	cr_assert(took > 900000 && took < 1500000, "%d us", (int)took);
	began = clock_steady_us();
	cr_assert(!get(cache, "a", &item));
	cr_assert(cache_is_away(cache));
	while (cache_is_away(cache))
		cache_nap();
	took = clock_steady_us() - began;
	cr_assert(took > 1900000 && took < 2500000, "%d us", (int)took);
}

/* Late answers of a frozen server are discarded. */
Test(cache, late_answers_are_lost)
{
	struct cache_item item;
	int round;

	cr_assert(set(cache, "a", "of a"));
	cr_assert(set(cache, "b", "of b"));
	for (round = 0; round < 2; round++) {
		cache_freeze(0);
		cr_assert(!get(cache, "a", &item));
		cache_thaw(0);
		wait_until_back(cache);
		cr_assert(get(cache, "b", &item));
		cr_assert(is(&item, "of b"));
	}
}

Test(cache, a_server_started_anew_is_empty)
{
	struct cache_item item;

	cr_assert(set(cache, "a", "value"));
	cache_stop(0);
	cache_start(0);
	cr_assert(!get(cache, "a", &item), "the connection was lost");
	wait_until_back(cache);
	cr_assert(get(cache, "a", &item));
	cr_assert_null(item.data);
}

Test(cache, one_dead_server_of_two_costs_its_own_keys)
{
	char both[160], name[16];
	struct cache_key k[32];
	struct cache_item item[32];
	struct cache *c;
	int i, found = 0;

	cache_start(1);
	snprintf(both, sizeof both, "%s, %s", cache_path[0], cache_path[1]);
	c = cache_new(NULL, both);
	for (i = 0; i < 32; i++) {
		snprintf(name, sizeof name, "k%d", i);
		key_make(c, &k[i], name, NULL, 0);
		cr_assert(cache_set(c, &k[i], name, strlen(name), 60));
	}
	cr_assert(cache_get_many(mem, c, k, item, 32));
	for (i = 0; i < 32; i++) {
		snprintf(name, sizeof name, "k%d", i);
		cr_assert(is(&item[i], name));
	}
	cache_stop(1);
	cr_assert(cache_get_many(mem, c, k, item, 32));
	for (i = 0; i < 32; i++)
		found += item[i].data != NULL;
	cr_assert(found > 4 && found < 28, "%d of 32", found);
	cr_assert(!cache_is_away(c));
	cache_stop(0);
	cr_assert(!cache_get_many(mem, c, k, item, 32));
	cr_assert(cache_is_away(c));
	talloc_free(c);
}

/* Answers of a server that is no memcached; {} is the key that was asked for.
 */
static const char *const nonsense[] = {
	"",
	"nonsense\r\n",
	"\r\n",
	"ERROR\r\n",
	"CLIENT_ERROR bad\r\n",
	"SERVER_ERROR out of order\r\n",
	"STORED\r\n",
	"NOT_STORED\r\n",
	"EXISTS\r\n",
	"17\r\n",
	"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
	"VALUE {} 0 5\r\nab",
	"VALUE {} 0 5\r\nabcdefgh\r\nEND\r\n",
	"VALUE {} 0 x\r\nabc\r\nEND\r\n",
	"VALUE {} 0 4294967290\r\nabc\r\nEND\r\n",
	"VALUE {}\r\nabc\r\nEND\r\n",
	"VALUE \r\n",
	"VALUE another 0 3\r\nabc\r\nEND\r\n",
	"VALUE {} 0 3\r\nabc\r\nVALUE {} 0 3\r\ndef\r\nEND\r\n",
	"VALUE {} 0 3\r\nabc\r\nnonsense\r\n",
	"VALUE {} 0 3\r\nabc\r\n",
};

/* Reads one line and answers with a row of the table, {} filled in. */
static void
impostor_serve(int fd, const char *answer)
{
	char line[512];
	const char *asked, *hole;
	ssize_t n = recv(fd, line, sizeof line - 1, 0);

	if (n <= 0)
		_exit(0);
	line[n] = '\0';
	asked = strchr(line, ' ') ? strchr(line, ' ') + 1 : "";
	while ((hole = strstr(answer, "{}"))) {
		dprintf(fd, "%.*s%.*s", (int)(hole - answer), answer,
		    (int)strcspn(asked, " \r\n"), asked);
		answer = hole + 2;
	}
	dprintf(fd, "%s", answer);
}

static pid_t
impostor_start(const char *where, const char *answer)
{
	int fd, to;
	pid_t pid = cache_stand_in(where, &fd);

	if (pid > 0)
		return pid;
	signal(SIGPIPE, SIG_IGN);
	while ((to = accept(fd, NULL, NULL)) >= 0) {
		impostor_serve(to, answer);
		close(to);
	}
	_exit(0);
}

Test(cache, an_impostor_is_a_miss)
{
	char where[80];
	size_t i;

	snprintf(where, sizeof where, "%s/i", cache_folder);
	for (i = 0; i < array_len(nonsense); i++) {
		pid_t pid = impostor_start(where, nonsense[i]);
		struct cache *c = cache_new(NULL, where);
		struct cache_key k = key("generation");
		struct cache_item item;

		cr_assert(!get(c, "a", &item), "case %zu", i);
		cr_assert_null(item.data, "case %zu", i);
		talloc_free(c);
		c = cache_new(NULL, where);
		(void)set(c, "a", "value");
		talloc_free(c);
		c = cache_new(NULL, where);
		cr_assert(!generation_raise(c, &k), "case %zu", i);
		talloc_free(c);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		unlink(where);
	}
}

static uint64_t
parse(const char *s)
{
	struct cache_item item = { s, strlen(s) };

	return generation_parse(&item);
}

Test(cache, parses_generations)
{
	struct cache_item none = { NULL, 0 };

	cr_assert_eq(generation_parse(&none), 0);
	cr_assert_eq(parse("1764000000000000"), UINT64_C(1764000000000000));
	cr_assert_eq(parse("18446744073709551615"), UINT64_MAX);
	cr_assert_eq(parse("18446744073709551616"), 0);
	cr_assert_eq(parse("99999999999999999999"), 0);
	cr_assert_eq(parse(""), 0);
	cr_assert_eq(parse("0"), 0);
	cr_assert_eq(parse("01"), 0);
	cr_assert_eq(parse("1 "), 0);
	cr_assert_eq(parse("-1"), 0);
	cr_assert_eq(parse("12x"), 0);
}

Test(cache, a_generation_starts_from_the_clock)
{
	struct cache_key k = key("g");
	uint64_t before = (uint64_t)clock_now_us(), v;
	struct cache_item item;

	v = generation_get(cache, &k);
	cr_assert(v >= before && v <= (uint64_t)clock_now_us());
	cr_assert_eq(generation_get(cache, &k), v);
	cr_assert(get(cache, "g", &item));
	cr_assert_eq(generation_parse(&item), v);
}

Test(cache, a_raise_goes_to_the_clock_or_one_further)
{
	struct cache_key k = key("g");
	uint64_t first = generation_get(cache, &k), second, third;

	cr_assert(generation_raise(cache, &k));
	second = generation_get(cache, &k);
	cr_assert(second > first && second <= (uint64_t)clock_now_us());
	clock_set_for_test(1000);
	cr_assert(generation_raise(cache, &k));
	third = generation_get(cache, &k);
	clock_set_for_test(0);
	cr_assert_eq(third, second + 1);
}

Test(cache, raising_what_is_not_there_is_no_work)
{
	struct cache_key k = key("g");
	struct cache_item item;

	cr_assert(generation_raise(cache, &k));
	cr_assert(get(cache, "g", &item));
	cr_assert_null(item.data);
}

Test(cache, a_malformed_generation_is_dropped)
{
	static const char *const bad[] = { "x", "", "18446744073709551615",
		"123456789012345678901234567890" };
	struct cache_key k = key("g");
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		cr_assert(set(cache, "g", bad[i]));
		cr_assert(generation_raise(cache, &k));
		cr_assert_gt(generation_get(cache, &k), 0);
	}
}

/* Copies what is readable; false: the connection has ended. */
static bool
relay_copy(int from, int to)
{
	char part[65536];
	ssize_t n = recv(from, part, sizeof part, 0);

	return n > 0 && send(to, part, (size_t)n, MSG_NOSIGNAL) == n;
}

/* A trip begins when the client sends after the server has sent. */
static void
relay_connection(int client, int to, _Atomic int *trips)
{
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { to, POLLIN, 0 } };
	bool answered = true;

	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents) {
			atomic_fetch_add(trips, answered ? 1 : 0);
			answered = false;
			if (!relay_copy(client, to))
				break;
		}
		if (fds[1].revents) {
			answered = true;
			if (!relay_copy(to, client))
				break;
		}
	}
	close(client);
	close(to);
}

/* Between a client and the first server; counts the round trips. */
static pid_t
relay_start(const char *where, _Atomic int *trips)
{
	int fd, client;
	pid_t pid = cache_stand_in(where, &fd);

	if (pid > 0)
		return pid;
	while ((client = accept(fd, NULL, NULL)) >= 0)
		relay_connection(client, cache_connect(cache_path[0]), trips);
	_exit(0);
}

/* `n` generations with the keys of `c`; every third one is not there. */
static struct cache_key *
generations(struct cache *c, uint64_t *values, size_t n)
{
	struct cache_key *k = mem_array(mem, struct cache_key, n);

	for (size_t i = 0; i < n; i++) {
		key_generation(c, &k[i], "movie", mem_printf(mem, "%zu", i));
		values[i] = i % 3 ? generation_get(c, &k[i]) : 0;
		cr_assert(i % 3 == 0 || values[i] > 0);
	}
	return k;
}

/* Each value is greater, or still missing. */
static void
expect_raised(
    struct cache *c, const struct cache_key *k, const uint64_t *old, size_t n)
{
	struct cache_item *item = mem_array(mem, struct cache_item, n);

	cr_assert(cache_get_many(mem, c, k, item, n));
	for (size_t i = 0; i < n; i++) {
		if (old[i] == 0)
			cr_expect_null(item[i].data);
		else
			cr_expect_gt(generation_parse(&item[i]), old[i]);
	}
}

static void
raise_and_count(size_t n, int most)
{
	_Atomic int *trips = mmap(NULL, sizeof *trips, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t *old = mem_array(mem, uint64_t, n);
	bool *raised = mem_array(mem, bool, n);
	struct cache_key *k;
	struct cache *c;
	char where[80];
	pid_t pid;

	cr_assert(trips != MAP_FAILED);
	snprintf(where, sizeof where, "%s/r", cache_folder);
	pid = relay_start(where, trips);
	c = cache_new(NULL, where);
	k = generations(c, old, n);
	atomic_store(trips, 0);
	cr_assert(generation_raise_many(c, k, raised, n));
	cr_expect_leq(atomic_load(trips), most, "%zu keys: %d trips", n,
	    atomic_load(trips));
	cr_expect_geq(atomic_load(trips), 2, "they are counted");
	for (size_t i = 0; i < n; i++)
		cr_expect(raised[i]);
	expect_raised(c, k, old, n);
	talloc_free(c);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(where);
	munmap(trips, sizeof *trips);
}

Test(cache, a_batch_is_raised_in_two_round_trips)
{
	raise_and_count(200, 2);
}

Test(cache, very_many_are_raised_in_batches)
{
	raise_and_count(1000, 8);
}

Test(cache, a_batch_reports_those_of_a_dead_server)
{
	enum { N = 64 };
	uint64_t old[N], one = 0;
	bool raised[N];
	size_t failed = 0, i;
	struct cache_key *k;
	char both[160];
	struct cache *c;

	cache_start(1);
	snprintf(both, sizeof both, "%s, %s", cache_path[0], cache_path[1]);
	c = cache_new(NULL, both);
	k = generations(c, old, N);
	cache_stop(1);
	cr_expect_not(generation_raise_many(c, k, raised, N));
	for (i = 0; i < N; i++) {
		failed += !raised[i];
		if (raised[i] && old[i])
			expect_raised(c, &k[i], &old[i], 1);
		else if (raised[i])
			expect_raised(c, &k[i], &one, 1);
	}
	cr_expect(failed > 8 && failed < 56, "%zu of 64", failed);
	talloc_free(c);
}

Test(cache, a_malformed_one_of_a_batch_is_dropped)
{
	uint64_t old[6];
	struct cache_key *k = generations(cache, old, 6);
	bool raised[6];

	cr_assert(cache_set(cache, &k[2], "x", 1, 60));
	old[2] = 0;
	cr_expect(generation_raise_many(cache, k, raised, 6));
	expect_raised(cache, k, old, 6);
}

Test(cache, a_batch_of_none_and_without_servers)
{
	struct cache *none = cache_new(NULL, "");
	struct cache_key k[2] = { key("a"), key("b") };
	bool raised[2] = { false, false };

	cr_expect(generation_raise_many(cache, NULL, NULL, 0));
	cr_expect(generation_raise_many(none, k, raised, 2));
	cr_expect(raised[0] && raised[1]);
	talloc_free(none);
}

#define RAISERS 6
#define TURNS   400

struct log {
	_Atomic uint64_t highest;
	_Atomic size_t n;
	_Atomic uint64_t seen[RAISERS * TURNS * 2];
};

/* After a raise no number is there that anybody had seen before it began. */
static void
raise_and_look(struct log *log, const struct cache_key *k, struct cache *c)
{
	size_t n = atomic_load(&log->n), i;
	uint64_t v;

	if (!generation_raise(c, k))
		_exit(2);
	v = generation_get(c, k);
	if (v == 0) /* evicted between its start and the look at it */
		return;
	for (i = 0; i < n; i++)
		if (atomic_load(&log->seen[i]) == v)
			_exit(4);
	atomic_store(&log->seen[atomic_fetch_add(&log->n, 1)], v);
}

/* Without evictions a generation never decreases. */
static void
look_and_compare(struct log *log, const struct cache_key *k, struct cache *c)
{
	uint64_t before = atomic_load(&log->highest), v, now;

	if (!generation_raise(c, k))
		_exit(2);
	v = generation_get(c, k);
	if (v <= before)
		_exit(5);
	now = atomic_load(&log->highest);
	while (now < v && !atomic_compare_exchange_weak(&log->highest, &now, v))
		;
}

static void
race(void (*turn)(struct log *, const struct cache_key *, struct cache *),
    void (*meanwhile)(void))
{
	struct log *log = mmap(NULL, sizeof *log, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cache_key k = key("g");
	pid_t pid[RAISERS];
	int i, t, left = RAISERS, status;

	cr_assert(log != MAP_FAILED);
	for (i = 0; i < RAISERS; i++) {
		pid[i] = fork();
		cr_assert(pid[i] >= 0);
		if (pid[i] == 0) {
			struct cache *c = cache_new(NULL, cache_path[0]);

			for (t = 0; t < TURNS; t++)
				turn(log, &k, c);
			talloc_free(c);
			_exit(0);
		}
	}
	while (left > 0) {
		pid_t done = waitpid(-1, &status, meanwhile ? WNOHANG : 0);

		if (done == 0)
			meanwhile();
		for (i = 0; done > 0 && i < RAISERS; i++) {
			if (pid[i] != done)
				continue;
			left--;
			cr_assert(WIFEXITED(status));
			cr_expect_eq(WEXITSTATUS(status), 0, "ended with %d",
			    WEXITSTATUS(status));
		}
	}
	munmap(log, sizeof *log);
}

static void
evict(void)
{
	int fd = cache_connect(cache_path[0]);
	char reply[32];

	cr_assert(fd >= 0);
	dprintf(fd, "delete %s\r\n", key("g").text);
	cr_assert(recv(fd, reply, sizeof reply, 0) > 0);
	close(fd);
	cache_nap();
}

Test(cache, generations_only_grow)
{
	race(look_and_compare, NULL);
}

Test(cache, generations_never_repeat_though_evicted)
{
	race(raise_and_look, evict);
}

/* ------------------------------------------------------------ statistics */

static void
take_items(void *arg, const char *name, const char *value)
{
	if (strcmp(name, "curr_items") == 0)
		snprintf(arg, 16, "%s", value);
}

Test(cache, flush_deletes_all_items_or_fails)
{
	struct cache_key old = key("generation");
	struct cache_item item;
	uint64_t before = generation_get(cache, &old);

	cr_assert(before > 0 && set(cache, "a", "1"));
	cr_assert(cache_flush(cache, 0));
	cr_assert(get(cache, "a", &item) && !item.data);
	cr_assert_gt(generation_get(cache, &old), before);
	cr_assert(set(cache, "a", "2"));
	cr_assert(get(cache, "a", &item) && is(&item, "2"));
	cache_freeze(0);
	cr_assert_not(cache_flush(cache, 0));
	cache_thaw(0);
	wait_until_back(cache);
}

Test(cache, statistics_of_a_server)
{
	char items[16] = "";
	struct cache_item item;
	int64_t began;

	cr_assert_eq(cache_servers(cache), 1);
	cr_assert_str_eq(cache_server_path(cache, 0), cache_path[0]);
	cr_assert(set(cache, "a", "1") && set(cache, "b", "2"));
	cr_assert(cache_stats(cache, 0, take_items, items));
	cr_assert_str_eq(items, "2");
	cr_assert(get(cache, "a", &item) && is(&item, "1"));
	/* a frozen one costs one timeout; then its breaker is open */
	cache_freeze(0);
	cr_assert_not(cache_stats(cache, 0, take_items, items));
	began = clock_steady_us();
	cr_assert_not(cache_stats(cache, 0, take_items, items));
	cr_assert(clock_steady_us() - began < 50000);
	cache_thaw(0);
	wait_until_back(cache);
	cr_assert(cache_stats(cache, 0, take_items, items));
	cache_stop(0);
	cr_assert_not(cache_stats(cache, 0, take_items, items));
}
