/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl cache flush and cache stats: the memcached servers of the setting
 * cache_servers. What this host has counted is in mxmctl status.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cache/cache.h"
#include "ctl/ctl.h"

/* NULL: no cache is configured, after a message. */
static struct cache *
open_cache(struct ctl *ctl)
{
	if (*ctl->conf->cache_servers)
		return cache_new(ctl->mem, ctl->conf->cache_servers);
	ctl_error(ctl,
	    "there is no cache: cache_servers is empty; set it in %s\n",
	    conf_place(ctl->conf, CONF_ID_cache_servers));
	return NULL;
}

static const char advice[] =
    "check that memcached is running there and that this user may connect";

/* Calls one() for each server, in its JSON object; gives the exit status. */
static int
each_server(struct ctl *ctl,
    bool one(struct ctl *, struct cache *, size_t, struct json *))
{
	struct cache *cache = open_cache(ctl);
	struct json *j = ctl_json(ctl);
	int status = EX_OK;
	size_t i;

	if (!cache)
		return EX_CONFIG;
	json_list(j);
	for (i = 0; i < cache_servers(cache); i++) {
		json_object(j);
		json_key(j, "server");
		json_text(j, cache_server_path(cache, i));
		if (!one(ctl, cache, i, j))
			status = EX_UNAVAILABLE;
		json_object_end(j);
	}
	json_list_end(j);
	return ctl->json ? ctl_json_done(j, status) : status;
}

/* ------------------------------------------------------------------ flush */

/* false: it was not flushed, after a message. */
static bool
flush(struct ctl *ctl, struct cache *cache, size_t i, struct json *j)
{
	const char *path = cache_server_path(cache, i);
	bool done = cache_flush(cache, i);

	json_key(j, "flushed");
	json_bool(j, done);
	if (!done)
		ctl_error(ctl,
		    "%s is unavailable or refuses it (memcached -F), "
		    "and was not flushed; %s\n",
		    path, advice);
	else if (!ctl->json)
		printf("%s is empty\n", path);
	return done;
}

int
ctl_cache_flush(struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return each_server(ctl, flush);
}

/* ------------------------------------------------------------------ stats */

/* What the text has of the statistics. */
enum stat {
	ITEMS,
	BYTES,
	LIMIT,
	HITS,
	MISSES,
	EVICTIONS,
	CONNECTIONS,
	UPTIME,
	STAT__MAX
};

static const char *const stat_names[STAT__MAX] = {
	[ITEMS] = "curr_items",
	[BYTES] = "bytes",
	[LIMIT] = "limit_maxbytes",
	[HITS] = "get_hits",
	[MISSES] = "get_misses",
	[EVICTIONS] = "evictions",
	[CONNECTIONS] = "curr_connections",
	[UPTIME] = "uptime",
};

struct stats {
	struct json *j;
	int64_t n[STAT__MAX];
	char version[32];
};

static void
take(void *arg, const char *name, const char *value)
{
	struct stats *s = arg;
	int64_t n;
	size_t i;

	json_key(s->j, name);
	if (text_to_int64(value, &n))
		json_int(s->j, n);
	else
		json_text(s->j, value);
	for (i = 0; i < STAT__MAX; i++)
		if (strcmp(stat_names[i], name) == 0)
			(void)text_to_int64(value, &s->n[i]);
	if (strcmp(name, "version") == 0)
		snprintf(s->version, sizeof s->version, "%s", value);
}

static void
print_stats(const char *path, const struct stats *s)
{
	int64_t reads = s->n[HITS] + s->n[MISSES];
	char age[CLOCK_AGE_SIZE];

	clock_age(age, s->n[UPTIME]);
	printf("%s: memcached %s, running for %s\n", path, s->version, age);
	printf("  items        %" PRId64 "\n", s->n[ITEMS]);
	printf("  memory       %.1f of %.1f MiB\n",
	    (double)s->n[BYTES] / (1 << 20), (double)s->n[LIMIT] / (1 << 20));
	printf("  hits         %" PRId64 " of %" PRId64 " (%.1f %%)\n",
	    s->n[HITS], reads,
	    reads ? 100.0 * (double)s->n[HITS] / (double)reads : 0.0);
	printf("  evictions    %" PRId64 "\n", s->n[EVICTIONS]);
	printf("  connections  %" PRId64 "\n", s->n[CONNECTIONS]);
}

/* false: it is unavailable, after a message. */
static bool
stats(struct ctl *ctl, struct cache *cache, size_t i, struct json *j)
{
	const char *path = cache_server_path(cache, i);
	struct stats s = { .j = j };
	bool there;

	json_key(j, "stats");
	json_object(j);
	there = cache_stats(cache, i, take, &s);
	json_object_end(j);
	json_key(j, "available");
	json_bool(j, there);
	if (!there)
		ctl_error(ctl, "%s is unavailable; %s\n", path, advice);
	else if (!ctl->json)
		print_stats(path, &s);
	return there;
}

int
ctl_cache_stats(struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return each_server(ctl, stats);
}
