/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl status: prints the shared counters of this host (workers, requests by
 * route and status, response times, the cache, refusals) and its model.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shm.h"
#include "ctl/ctl.h"
#include "ctl/recommend/model.h"
#include "http/route.h"

#define STATUS_MIN 100
#define STATUS_MAX 600

/* Seconds after which a published model should be on this host. */
#define MODEL_LATE 60

static const char *const states[] = {
	[SHM_FREE] = "free",
	[SHM_STARTING] = "starting",
	[SHM_READY] = "ready",
	[SHM_DRAINING] = "draining",
};

static const char *const cache_words[SHM_CACHE__MAX] = {
	[SHM_CACHE_NONE] = "uncacheable",
	[SHM_CACHE_HIT] = "hits",
	[SHM_CACHE_MISS] = "misses",
	[SHM_CACHE_OFF] = "bypassed",
};

/* The others are in /metrics only. */
static const char *const event_names[] = {
	[SHM_RESTARTS] = "restarts",
	[SHM_DEADLINES] = "deadlines",
	[SHM_RELOADS] = "reloads",
};

static const double shares[] = { 0.5, 0.9, 0.99 };
static const char *const share_names[] = { "p50_us", "p90_us", "p99_us" };

static const char *
route_name(const struct shm *shm, int route)
{
	return route < 0 ? "(no route)" : shm_route_name(shm, route);
}

static int
workers_of(const struct shm *shm, int pool)
{
	struct shm_worker w;
	int n = 0, i;

	for (i = 0; i < SHM_SLOTS; i++)
		n += shm_slot_read(shm, i, &w) && w.pool == pool;
	return n;
}

/* A running mxmd holds a lock on its pid file. */
bool
ctl_mxmd_runs(const struct ctl *ctl)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = mem_printf(ctl->mem, "%s/mxmd.pid", ctl->conf->run_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked;

	locked =
	    fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	return locked;
}

/* ------------------------------------------------------------------ model */

struct served {
	struct ctl_model here;
	bool asked;             /* the database was available */
	struct published *list; /* published and withdrawn models */
	size_t n;
	const struct published *newest; /* in force; NULL: none, or not known */
	const struct published
	    *ours; /* the one on this host; NULL: not known */
};

static void
read_model(struct ctl *ctl, struct served *s)
{
	struct db *db =
	    db_new(ctl->mem, ctl->conf->database, ctl->conf->statement_timeout);

	ctl_model_here(ctl->mem, ctl->conf->model_file, &s->here);
	s->asked = !publish_list(ctl->mem, db, &s->list, &s->n);
	for (size_t i = 0; s->asked && i < s->n; i++) {
		const struct published *p = &s->list[i];

		if (!s->newest && p->published_at)
			s->newest = p;
		if (s->here.model && publish_is(p, &s->here.stamp))
			s->ours = p;
	}
}

/* How long another one has been in force; 0: ours is in force, or not known. */
static int64_t
seconds_behind(const struct served *s)
{
	int64_t seconds;

	if (!s->newest || s->newest == s->ours)
		return 0;
	seconds = clock_now_us() / 1000000 - s->newest->published_at;
	return seconds > 0 ? seconds : 1;
}

static void
json_model(struct json *j, const struct served *s)
{
	json_key(j, "model");
	json_object(j);
	ctl_model_json(j, &s->here);
	json_key(j, "ndcg");
	if (s->ours && s->ours->ndcg >= 0)
		json_double(j, s->ours->ndcg);
	else
		json_null(j);
	json_key(j, "in_force");
	if (s->newest)
		json_int(j, (int64_t)s->newest->stamp.version);
	else
		json_null(j);
	json_key(j, "behind_seconds");
	if (s->asked)
		json_int(j, seconds_behind(s));
	else
		json_null(j);
	json_object_end(j);
}

static void
print_model(const struct served *s)
{
	char age[CLOCK_AGE_SIZE];

	printf("recommendations: ");
	ctl_model_print(&s->here);
	if (s->ours && s->ours->ndcg >= 0)
		printf(", NDCG@100 %.4f", s->ours->ndcg);
	putchar('\n');
	if (seconds_behind(s) <= MODEL_LATE)
		return;
	clock_age(age, seconds_behind(s));
	printf("model %" PRIu64
	       " has been in force for %s but is not on this host: check that "
	       "mxm-jobs is running\n",
	    s->newest->stamp.version, age);
}

/* ------------------------------------------------------------------- JSON */

static void
json_count(struct json *j, const char *key, uint64_t n)
{
	json_key(j, key);
	json_int(j, (int64_t)n);
}

static void
json_workers(struct json *j, const struct shm *shm)
{
	struct shm_worker w;
	int i;

	json_key(j, "workers");
	json_list(j);
	for (i = 0; i < SHM_SLOTS; i++) {
		if (!shm_slot_read(shm, i, &w))
			continue;
		json_object(j);
		json_count(j, "pid", (uint64_t)w.pid);
		json_key(j, "pool");
		json_text(j, pool_names[w.pool]);
		json_key(j, "state");
		json_text(j, states[w.state]);
		json_count(j, "generation", w.generation);
		json_count(j, "requests", w.requests);
		json_key(j, "busy_us");
		json_int(j, w.busy_us ? clock_steady_us() - w.busy_us : 0);
		json_key(j, "serving");
		json_text(j, w.busy_us ? route_name(shm, w.route) : NULL);
		json_object_end(j);
	}
	json_list_end(j);
}

static void
json_routes(struct json *j, const struct shm *shm)
{
	int route, status;

	json_key(j, "requests");
	json_list(j);
	for (route = -1; route < shm_routes(shm); route++) {
		for (status = STATUS_MIN; status < STATUS_MAX; status++) {
			uint64_t n = shm_requests(shm, route, status);

			if (n == 0)
				continue;
			json_object(j);
			json_key(j, "route");
			json_text(j, route_name(shm, route));
			json_count(j, "status", (uint64_t)status);
			json_count(j, "count", n);
			json_object_end(j);
		}
	}
	json_list_end(j);
}

static void
json_counters(struct json *j, const struct shm *shm)
{
	size_t i, k;

	json_key(j, "times");
	json_object(j);
	for (i = 0; i < SHM_POOLS; i++) {
		json_key(j, pool_names[i]);
		json_object(j);
		for (k = 0; k < array_len(shares); k++)
			json_count(j, share_names[k],
			    (uint64_t)shm_percentile_us(
				shm, (int)i, shares[k]));
		json_object_end(j);
	}
	json_object_end(j);
	json_key(j, "cache");
	json_object(j);
	for (i = 0; i < SHM_CACHE__MAX; i++)
		json_count(
		    j, cache_words[i], shm_cache_count(shm, (enum shm_cache)i));
	json_key(j, "bypass");
	json_bool(j, shm_cache_bypass(shm));
	json_object_end(j);
	json_key(j, "refusals");
	json_object(j);
	for (i = L_PUBLIC; i < L__MAX; i++)
		json_count(j, limit_names[i], shm_refusals(shm, (int)i));
	json_object_end(j);
	json_key(j, "events");
	json_object(j);
	for (i = 0; i < array_len(event_names); i++)
		json_count(
		    j, event_names[i], shm_events(shm, (enum shm_event)i));
	json_object_end(j);
}

static int
print_json(struct ctl *ctl, const struct shm *shm, const struct served *s,
    bool running)
{
	struct json *j = ctl_json(ctl);

	json_object(j);
	json_key(j, "running");
	json_bool(j, running);
	json_count(j, "master", (uint64_t)shm_master(shm));
	json_count(j, "since_us", (uint64_t)shm_since_us(shm));
	json_workers(j, shm);
	json_routes(j, shm);
	json_counters(j, shm);
	json_model(j, s);
	json_object_end(j);
	return ctl_json_done(j, running ? EX_OK : EX_UNAVAILABLE);
}

/* ------------------------------------------------------------------- text */

static void
print_pools(const struct shm *shm)
{
	int pool;

	printf("%-6s %8s %10s %10s %10s\n", "pool", "workers", "p50 us",
	    "p90 us", "p99 us");
	for (pool = 0; pool < SHM_POOLS; pool++)
		printf("%-6s %8d %10" PRId64 " %10" PRId64 " %10" PRId64 "\n",
		    pool_names[pool], workers_of(shm, pool),
		    shm_percentile_us(shm, pool, shares[0]),
		    shm_percentile_us(shm, pool, shares[1]),
		    shm_percentile_us(shm, pool, shares[2]));
}

static void
print_routes(const struct shm *shm)
{
	int route, status;

	printf("\n%12s %6s  %s\n", "requests", "status", "route");
	for (route = -1; route < shm_routes(shm); route++) {
		for (status = STATUS_MIN; status < STATUS_MAX; status++) {
			uint64_t n = shm_requests(shm, route, status);

			if (n > 0)
				printf("%12" PRIu64 " %6d  %s\n", n, status,
				    route_name(shm, route));
		}
	}
}

static void
print_counters(const struct shm *shm)
{
	uint64_t hits = shm_cache_count(shm, SHM_CACHE_HIT);
	uint64_t asked = hits + shm_cache_count(shm, SHM_CACHE_MISS) +
			 shm_cache_count(shm, SHM_CACHE_OFF);
	size_t i;

	printf("\nanswer cache: %" PRIu64 " of %" PRIu64 " hits (%.1f %%)%s\n",
	    hits, asked, asked ? 100.0 * (double)hits / (double)asked : 0.0,
	    shm_cache_bypass(shm) ? ", bypassed until invalidations succeed" :
				    "");
	printf("refused by limit:");
	for (i = L_PUBLIC; i < L__MAX; i++)
		printf(
		    " %s %" PRIu64, limit_names[i], shm_refusals(shm, (int)i));
	printf("\nworkers replaced: %" PRIu64 " (past the deadline: %" PRIu64
	       "), reloads: %" PRIu64 "\n",
	    shm_events(shm, SHM_RESTARTS), shm_events(shm, SHM_DEADLINES),
	    shm_events(shm, SHM_RELOADS));
}

static int
print_text(const struct shm *shm, const struct served *s, bool running)
{
	char since[CLOCK_ISO_SIZE];

	clock_iso(since, shm_since_us(shm));
	printf("mxmd %d, counting since %s%s\n\n", (int)shm_master(shm), since,
	    running ? "" : "; not running");
	print_pools(shm);
	print_routes(shm);
	print_counters(shm);
	print_model(s);
	return running ? EX_OK : EX_UNAVAILABLE;
}

/* Prints why the counters cannot be read. */
static int
no_counters(const struct ctl *ctl, enum err e)
{
	const char *why =
	    "cannot be read; run it as root or as the user of mxmd";

	if (e == ERR_NOT_FOUND)
		why = "do not exist; check that mxmd is running";
	if (e == ERR_CONFLICT)
		why = "are from another release; restart mxmd";
	ctl_error(ctl, "the counters in %s %s\n", ctl->conf->run_dir, why);
	return e == ERR_FORBIDDEN ? EX_NOPERM : EX_UNAVAILABLE;
}

int
ctl_status(struct ctl *ctl, int argc, char **argv)
{
	struct served served = { 0 };
	struct shm *shm;
	bool running;
	enum err e;

	(void)argc;
	(void)argv;
	e = shm_open_file(ctl->mem, ctl->conf->run_dir, false, &shm);
	if (e)
		return no_counters(ctl, e);
	running = ctl_mxmd_runs(ctl);
	read_model(ctl, &served);
	return ctl->json ? print_json(ctl, shm, &served, running) :
			   print_text(shm, &served, running);
}
