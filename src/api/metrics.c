/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GET /metrics: the counters of this host in the text format 0.0.4 of
 * Prometheus. The metrics are the rows of metrics.def. Most are in shared
 * memory; those of the database are read by one statement, by one scrape at a
 * time; those of memcached by its command stats. If one of them is unavailable,
 * its metrics are missing and its metric …_up is 0.
 *
 * Labels are patterns of routes.def and other closed sets, never text of
 * requests, so that the number of time series is limited.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/depends.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "http/handlers.h"

#define PREFIX "moviesxmovies_"

/* How long a scrape waits for another one that reads the database. */
#define TURN_US INT64_C(200000)

#define BODY_SIZE (64 * 1024)

enum metric {
#define METRIC(NAME, TYPE, LABELS, HELP) M_##NAME,
#include "metrics.def"
#undef METRIC
	M__MAX
};

#define TYPE_COUNTER   "counter"
#define TYPE_GAUGE     "gauge"
#define TYPE_HISTOGRAM "histogram"

static const struct {
	const char *name;
	const char *type;
	const char *help;
} metrics[] = {
#define METRIC(NAME, TYPE, LABELS, HELP) \
	[M_##NAME] = { PREFIX #NAME, TYPE_##TYPE, HELP },
#include "metrics.def"
#undef METRIC
};

static const char *const results[SHM_CACHE__MAX] = {
	[SHM_CACHE_NONE] = "none",
	[SHM_CACHE_HIT] = "hit",
	[SHM_CACHE_MISS] = "miss",
	[SHM_CACHE_OFF] = "bypass",
};

/* ---------------------------------------------------------------- format */

#define LABELS_MAX 3

/* Name and value of a label; those without a name are unused. */
struct labels {
	const char *pair[LABELS_MAX][2];
};

#define NO_LABELS          ((struct labels){ { { NULL } } })
#define LABEL(NAME, VALUE) ((struct labels){ .pair = { { (NAME), (VALUE) } } })
#define LABEL2(NAME, VALUE, NAME2, VALUE2) \
	((struct labels){                  \
	    .pair = { { (NAME), (VALUE) }, { (NAME2), (VALUE2) } } })

/* The two lines before the samples of a metric. The help has no backslash. */
static void
put_head(struct buf *b, enum metric m)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name,
	    metrics[m].help, metrics[m].name, metrics[m].type);
}

static void
put_label_value(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n') {
			buf_puts(b, "\\n");
			continue;
		}
		if (*s == '"' || *s == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
}

static void
put_name(
    struct buf *b, enum metric m, const char *suffix, const struct labels *l)
{
	char before = '{';

	buf_puts(b, metrics[m].name);
	buf_puts(b, suffix);
	for (int i = 0; i < LABELS_MAX && l->pair[i][0]; i++) {
		buf_putc(b, before);
		buf_puts(b, l->pair[i][0]);
		buf_puts(b, "=\"");
		put_label_value(b, l->pair[i][1]);
		buf_putc(b, '"');
		before = ',';
	}
	buf_puts(b, before == ',' ? "} " : " ");
}

/* A sample with a whole number. */
static void
put(struct buf *b, enum metric m, struct labels l, uint64_t value)
{
	put_name(b, m, "", &l);
	buf_printf(b, "%" PRIu64 "\n", value);
}

static void
put_double(struct buf *b, enum metric m, struct labels l, double value)
{
	put_name(b, m, "", &l);
	buf_printf(b, "%.6f\n", value);
}

/* A metric without labels. */
static void
put_one(struct buf *b, enum metric m, uint64_t value)
{
	put_head(b, m);
	put(b, m, NO_LABELS, value);
}

/* Microseconds, as seconds; the text of a bound is always the same. */
static const char *
seconds_of(char text[32], int64_t us)
{
	size_t n = (size_t)snprintf(
	    text, 32, "%" PRId64 ".%06d", us / 1000000, (int)(us % 1000000));

	while (text[n - 1] == '0' && text[n - 2] != '.')
		text[--n] = '\0';
	return text;
}

/* -------------------------------------------------------------- requests */

static const char *
method_of(int route)
{
	return route < 0 ? "other" : method_name(routes[route].method);
}

static const char *
pattern_of(int route)
{
	return route < 0 ? "other" : routes[route].pattern;
}

static void
put_requests(struct buf *b, const struct shm *shm)
{
	char text[8];

	put_head(b, M_requests_total);
	for (int route = -1; route < n_routes; route++) {
		struct labels l = { { { "method", method_of(route) },
		    { "route", pattern_of(route) }, { "status", text } } };

		for (int status = 100; status < 600; status++) {
			uint64_t n = shm_requests(shm, route, status);

			if (n == 0)
				continue;
			snprintf(text, sizeof text, "%d", status);
			put(b, M_requests_total, l, n);
		}
	}
}

/* The number of requests is that of the last bucket, read at the same time. */
static void
put_durations(struct buf *b, const struct shm *shm, int route)
{
	const enum metric m = M_request_duration_seconds;
	struct labels l = { { { "method", method_of(route) },
	    { "route", pattern_of(route) } } };
	uint64_t count[SHM_BOUNDS + 1], n = 0, sum = shm_time_us(shm, route);
	char text[32];

	for (int i = 0; i <= SHM_BOUNDS; i++)
		n += count[i] = shm_took(shm, route, i);
	if (n == 0)
		return;
	n = 0;
	l.pair[2][0] = "le";
	for (int i = 0; i <= SHM_BOUNDS; i++) {
		l.pair[2][1] =
		    i < SHM_BOUNDS ? seconds_of(text, shm_bound_us(i)) : "+Inf";
		put_name(b, m, "_bucket", &l);
		buf_printf(b, "%" PRIu64 "\n", n += count[i]);
	}
	l.pair[2][0] = NULL;
	put_name(b, m, "_sum", &l);
	buf_printf(b, "%s\n", seconds_of(text, (int64_t)sum));
	put_name(b, m, "_count", &l);
	buf_printf(b, "%" PRIu64 "\n", n);
}

static void
put_traffic(struct buf *b, struct shm *shm)
{
	put_requests(b, shm);
	put_head(b, M_request_duration_seconds);
	for (int route = -1; route < n_routes; route++)
		put_durations(b, shm, route);
	put_head(b, M_requests_accepted_total);
	for (int pool = 0; pool < SHM_POOLS; pool++)
		put(b, M_requests_accepted_total,
		    LABEL("pool", pool_names[pool]),
		    shm_accepted_count(shm, pool));
	put_one(b, M_requests_lost_total, shm_lost(shm));
	put_head(b, M_requests_refused_total);
	for (int i = L_PUBLIC; i < L__MAX; i++)
		put(b, M_requests_refused_total, LABEL("limit", limit_names[i]),
		    shm_refusals(shm, i));
}

/* ----------------------------------------------------------------- cache */

/* Answers of a result whose routes depend on `bit`. */
static uint64_t
answers_of(const struct shm *shm, unsigned bit, enum shm_cache result)
{
	uint64_t n = 0;

	for (int route = 0; route < n_routes; route++)
		if (routes[route].cache.depends & bit)
			n += shm_route_cache(shm, route, result);
	return n;
}

static void
put_kinds(struct buf *b, const struct shm *shm)
{
	const char *kind;
	unsigned bit;

	put_head(b, M_cache_answers_by_kind_total);
	for (int i = 0; (kind = depends_kind(i, &bit)); i++)
		for (int k = SHM_CACHE_HIT; k < SHM_CACHE__MAX; k++)
			put(b, M_cache_answers_by_kind_total,
			    LABEL2("kind", kind, "result", results[k]),
			    answers_of(shm, bit, (enum shm_cache)k));
	put_head(b, M_cache_stale_total);
	for (int i = 0; (kind = depends_kind(i, &bit)); i++)
		put(b, M_cache_stale_total, LABEL("kind", kind),
		    shm_stale(shm, i));
}

static void
put_cache(struct buf *b, const struct shm *shm)
{
	put_head(b, M_cache_answers_total);
	for (int route = 0; route < n_routes; route++)
		for (int k = SHM_CACHE_HIT;
		     k < SHM_CACHE__MAX && routes[route].cache.seconds > 0; k++)
			put(b, M_cache_answers_total,
			    LABEL2("route", routes[route].pattern, "result",
				results[k]),
			    shm_route_cache(shm, route, (enum shm_cache)k));
	put_kinds(b, shm);
	put_head(b, M_cache_accounts_total);
	for (int k = SHM_CACHE_HIT; k < SHM_CACHE__MAX; k++)
		put(b, M_cache_accounts_total, LABEL("result", results[k]),
		    shm_accounts(shm, (enum shm_cache)k));
	put_one(b, M_cache_bypassed, shm_cache_bypass(shm));
}

/* --------------------------------------------------------------- workers */

enum state { STARTING, IDLE, BUSY, DRAINING, STATE__MAX };

static const char *const states[STATE__MAX] = {
	[STARTING] = "starting",
	[IDLE] = "idle",
	[BUSY] = "busy",
	[DRAINING] = "draining",
};

static enum state
state_of(const struct shm_worker *w)
{
	if (w->state == SHM_STARTING)
		return STARTING;
	if (w->state == SHM_DRAINING)
		return DRAINING;
	return w->busy_us ? BUSY : IDLE;
}

static void
put_workers(struct buf *b, const struct shm *shm)
{
	uint64_t count[SHM_POOLS][STATE__MAX] = { 0 },
		 waiting[SHM_POOLS] = { 0 };
	struct shm_worker w;

	for (int i = 0; i < SHM_SLOTS; i++) {
		if (!shm_slot_read(shm, i, &w))
			continue;
		count[w.pool][state_of(&w)]++;
		waiting[w.pool] += (uint64_t)w.waiting;
	}
	put_head(b, M_workers);
	for (int pool = 0; pool < SHM_POOLS; pool++)
		for (int i = 0; i < STATE__MAX; i++)
			put(b, M_workers,
			    LABEL2(
				"pool", pool_names[pool], "state", states[i]),
			    count[pool][i]);
	put_head(b, M_requests_waiting);
	for (int pool = 0; pool < SHM_POOLS; pool++)
		put(b, M_requests_waiting, LABEL("pool", pool_names[pool]),
		    waiting[pool]);
	put_head(b, M_pool_backlog);
	for (int pool = 0; pool < SHM_POOLS; pool++)
		put(b, M_pool_backlog, LABEL("pool", pool_names[pool]),
		    shm_backlog(shm, pool));
}

static void
put_service(struct buf *b, const struct shm *shm)
{
	static const struct {
		enum shm_event event;
		enum metric m;
	} events[] = {
		{ SHM_RESTARTS, M_worker_restarts_total },
		{ SHM_DEADLINES, M_worker_deadlines_total },
		{ SHM_RELOADS, M_reloads_total },
		{ SHM_REFUSED_RELOADS, M_reloads_refused_total },
		{ SHM_DB_OPENED, M_database_connections_total },
		{ SHM_DB_NOT_OPENED, M_database_connect_errors_total },
		{ SHM_DB_LOST, M_database_connections_lost_total },
		{ SHM_DB_TIMEOUTS, M_database_timeouts_total },
		{ SHM_DB_ERRORS, M_database_errors_total },
	};

	_Static_assert(array_len(events) == SHM_EVENT__MAX, "events differ");
	put_head(b, M_build_info);
	put(b, M_build_info, LABEL("version", PACKAGE_VERSION), 1);
	put_head(b, M_start_time_seconds);
	put_double(b, M_start_time_seconds, NO_LABELS,
	    (double)shm_since_us(shm) / 1e6);
	for (size_t i = 0; i < array_len(events); i++)
		put_one(b, events[i].m, shm_events(shm, events[i].event));
}

/* ------------------------------------------------------------- memcached */

static const struct {
	const char *name; /* in memcached */
	enum metric m;
} stats[] = {
	{ "uptime", M_memcached_uptime_seconds },
	{ "curr_connections", M_memcached_connections },
	{ "rejected_connections", M_memcached_connections_rejected_total },
	{ "get_hits", M_memcached_get_hits_total },
	{ "get_misses", M_memcached_get_misses_total },
	{ "cmd_set", M_memcached_sets_total },
	{ "curr_items", M_memcached_items },
	{ "bytes", M_memcached_bytes },
	{ "limit_maxbytes", M_memcached_limit_bytes },
	{ "evictions", M_memcached_evictions_total },
};

struct server {
	bool up;
	uint64_t value[array_len(stats)];
};

static void
take_stat(void *arg, const char *name, const char *value)
{
	struct server *s = arg;

	for (size_t i = 0; i < array_len(stats); i++)
		if (strcmp(name, stats[i].name) == 0)
			s->value[i] = strtoull(value, NULL, 10);
}

static void
put_memcached(struct buf *b, struct req *r)
{
	size_t n = cache_servers(r->cache);
	struct server *list = mem_array(r->mem, struct server, n);

	put_head(b, M_memcached_up);
	for (size_t i = 0; i < n; i++) {
		list[i].up = cache_stats(r->cache, i, take_stat, &list[i]);
		put(b, M_memcached_up,
		    LABEL("server", cache_server_path(r->cache, i)),
		    list[i].up);
	}
	for (size_t k = 0; k < array_len(stats); k++) {
		put_head(b, stats[k].m);
		for (size_t i = 0; i < n; i++)
			if (list[i].up)
				put(b, stats[k].m,
				    LABEL("server",
					cache_server_path(r->cache, i)),
				    list[i].value[k]);
	}
}

/* -------------------------------------------------------------- database */

static const struct figure {
	const char *what; /* in the rows of the statement */
	enum metric m;
	int labels; /* the first ones of name and state */
} figures[] = {
	{ "jobs", M_jobs, 2 },
	{ "job_age", M_job_age_seconds, 1 },
	{ "touches", M_touches_overdue, 0 },
	{ "published", M_model_published_version, 0 },
	{ "ndcg", M_model_ndcg, 0 },
};

static void
put_row(struct buf *b, const struct row *row, const struct figure *f)
{
	struct labels l = NO_LABELS;
	double value = row_double(row, "value");

	if (f->labels > 0) {
		l.pair[0][0] = "name";
		l.pair[0][1] = row_text(row, "name");
	}
	if (f->labels > 1) {
		l.pair[1][0] = "state";
		l.pair[1][1] = row_text(row, "state");
	}
	if (f->m == M_job_age_seconds || f->m == M_model_ndcg)
		put_double(b, f->m, l, value);
	else
		put(b, f->m, l, (uint64_t)value);
}

static void
put_rows(struct buf *b, const struct rows *rows)
{
	struct row row;

	for (size_t k = 0; k < array_len(figures); k++) {
		put_head(b, figures[k].m);
		for (int i = 0; i < rows->count; i++) {
			rows_at(rows, i, &row);
			if (strcmp(row_text(&row, "what"), figures[k].what) ==
			    0)
				put_row(b, &row, &figures[k]);
		}
	}
}

static void
put_database(struct buf *b, struct req *r)
{
	int place = shm_turn_take(r->shm, SHM_TURN_SCRAPE, TURN_US);
	struct rows rows;
	enum err e;

	if (place < 0)
		return;
	e = db_ready(r->db);
	if (!e)
		e = query_all(r->mem, r->db, &rows, SQL_metrics,
		    arg_id((int64_t)r->model_version));
	shm_turn_give(r->shm, SHM_TURN_SCRAPE, place);
	put_one(b, M_database_up, !e);
	if (!e)
		put_rows(b, &rows);
}

static void
put_model(struct buf *b, const struct req *r)
{
	put_one(b, M_model_version, r->model_version);
	if (r->model_version)
		put_one(b, M_model_trained_timestamp_seconds,
		    (uint64_t)r->model_trained_at);
}

/* The metrics; 404 without shared memory. */
enum err
metrics_get(struct req *r)
{
	struct buf b;

	if (!r->shm)
		return fail_path(r, NULL, NULL);
	buf_init(&b, r->mem, BODY_SIZE);
	put_service(&b, r->shm);
	put_traffic(&b, r->shm);
	put_cache(&b, r->shm);
	put_workers(&b, r->shm);
	put_model(&b, r);
	put_database(&b, r);
	put_memcached(&b, r);
	r->answer.cache_control = "no-store";
	return reply_bytes(
	    r, "text/plain; version=0.0.4; charset=utf-8", b.data, b.len);
}
