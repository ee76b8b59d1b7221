/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Processing of a request. The steps, in the order of HACKING and
 * doc/architecture.md:
 *
 *	1 route     the row of routes.def for path and method
 *	2 token     the claims of the caller, unless the row is PUBLIC
 *	3 limits    the rate limits of the row
 *	4 query     input of the query; its errors are reported in step 6
 *	5 cache     one multi-get: account, answer, generations
 *	6 caller    account and guard, numbers of the path, errors of the query
 *	7 body      input of the body
 *	8 handler   unless the answer was cached
 *	9 reply     caching; 304, or the error body
 */
#include "base/base.h"

#include "api/cached.h"
#include "api/replica.h"
#include "api/serve.h"
#include "api/touch.h"
#include "auth/guard.h"
#include "auth/limit.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "db/db.h"
#include "http/field.h"
#include "http/params.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/route.h"

/*
 * Of requests that arrive together, steps 1 to 4 of all come first, then one
 * multi-get for all (step 5), then the rest of each in turn. That is as correct
 * as one by one: an answer may show any state since the request arrived.
 */
struct progress {
	enum err e;   /* of steps 1 to 3 */
	bool options; /* the first has answered */
	struct claims claims;
	const struct claims *caller; /* NULL: nobody */
	enum err query;              /* of step 4 */
	struct problem *of_query;
	struct cached cached;
	bool read_ahead; /* step 5 has been done */
	bool hit;        /* the answer came from the cache */
};

/* Retry-After while the database is unavailable, in seconds. */
#define RETRY_SECONDS 5

/* The checks of the standby, and the difference of the clocks of hosts. */
#define SETTLED_US 2000000u

/* How long a request waits for its turn to hash a password. */
#define HASH_WAIT_US INT64_C(5000000)

void
serve_prepare(void *arg, struct req *r)
{
	struct serve *serve = arg;

	r->conf = serve->conf;
	r->db = serve->db;
	r->cache = serve->cache;
	r->shm = serve->shm;
	r->memo = serve->memo;
	r->cache_word = "-";
	if (r->cache && r->shm)
		cache_set_incarnation(r->cache, shm_incarnation(r->shm));
}

/* Answers OPTIONS with the methods of the path. */
static enum err
answer_options(struct req *r, unsigned allowed)
{
	reply_header(r, "Allow", route_allow(r->mem, allowed));
	r->answer.status = 204;
	return ERR_OK;
}

/*
 * Step 1: the row for path and method. *options is set if the request has been
 * answered.
 */
static enum err
find_route(struct req *r, bool *options)
{
	struct route_match match;
	int i;

	*options = false;
	if (r->bad_path)
		return fail(r, ERR_INVALID, NULL, MSG_PATH_BAD);
	route_find(r->mem, r->method, r->path, &match);
	if (!match.allowed)
		return fail_path(r, NULL, NULL);
	if (r->method == METHOD_OPTIONS) {
		*options = true;
		return answer_options(r, match.allowed);
	}
	if (!match.route) {
		const char *const args[3] = { r->method_text };

		reply_header(r, "Allow", route_allow(r->mem, match.allowed));
		return fail_with(
		    r, ERR_METHOD, NULL, MSG_METHOD_NOT_ALLOWED, args);
	}
	r->route = match.route;
	for (i = 0; i < PATH_PARAMS_MAX; i++)
		r->path_param[i] = match.param[i];
	return ERR_OK;
}

/* The error of a request that needs the unavailable database. */
static enum err
unavailable(struct req *r)
{
	return fail_retry(r, ERR_UNAVAILABLE, MSG_UNAVAILABLE, RETRY_SECONDS);
}

/*
 * Is the cache to be read now? Also if nothing was there when it was read
 * ahead, and something has been stored since for another request of the same
 * batch.
 */
static bool
is_worth_reading(
    const struct serve *serve, const struct req *r, const struct progress *p)
{
	if (!p->read_ahead)
		return true;
	if (!serve->stored)
		return false;
	return (p->caller && !r->account) || (p->cached.cacheable && !p->hit);
}

/* Steps 5 and 6: the caller, from the cache or the database, and the guard. */
static enum err
find_caller(struct serve *serve, struct req *r, struct progress *p)
{
	struct cached *c = &p->cached;
	enum err e;

	if (is_worth_reading(serve, r, p))
		p->hit = cached_read(r, p->caller, c);
	if (!p->caller)
		return ERR_OK;
	if (r->shm)
		shm_count_account(r->shm, r->account ? SHM_CACHE_HIT :
					  c->asked   ? SHM_CACHE_MISS :
						       SHM_CACHE_OFF);
	if (!r->account) {
		cached_prepare_account(r, c);
		e = db_ready(r->db);
		if (!e)
			e = account_load(r, p->caller, &r->account);
		if (e == ERR_UNAVAILABLE)
			return unavailable(r);
		if (e)
			return e;
		cached_store_account(r, c);
		serve->stored = true;
	}
	r->account_id = r->account->id;
	r->lang = r->account->lang;
	e = guard_account(r);
	if (e)
		return e;
	if (r->account->former_name) {
		/* not cached: this path is valid for the caller only */
		path_replace(r, "username", r->account->username);
		r->answer.no_store = true;
	} else if (!p->hit)
		p->hit = cached_read_again(r, c);
	return ERR_OK;
}

/* Runs the handler; one that hashes waits for a place. */
static enum err
handle(struct req *r)
{
	enum err e;
	int place;

	if (!r->route->hashes || !r->shm)
		return r->route->handle(r);
	place = shm_turn_take(r->shm, SHM_TURN_HASH, HASH_WAIT_US);
	if (place < 0)
		return unavailable(r);
	e = r->route->handle(r);
	shm_turn_give(r->shm, SHM_TURN_HASH, place);
	return e;
}

/*
 * Whether nothing that the answer depends on has changed lately, so that a
 * standby has it: what the caller has written is read from the primary server
 * until then. Generations are times. If they are unknown, only what is equal
 * for all callers may be old.
 */
static bool
is_settled(const struct req *r, const struct cached *c)
{
	uint64_t spare = (uint64_t)r->conf->replica_lag * 1000 + SETTLED_US;
	uint64_t now = (uint64_t)clock_now_us();

	for (size_t i = 0; i < c->n; i++) {
		if (c->number[i] == 0 && r->route->cache.by_viewer)
			return false;
		if (c->number[i] + spare > now)
			return false;
	}
	return c->n > 0 || !r->route->cache.by_viewer;
}

/*
 * Reads from the standby if possible. The answer is not cached, because the
 * generations are those of the primary server.
 */
static void
choose_server(struct serve *serve, struct req *r, const struct cached *c)
{
	if (!serve->replica || !r->route->replica || !is_settled(r, c) ||
	    !replica_is_current(serve->replica, r))
		return;
	r->replica = serve->replica;
	r->cache_word = "replica";
}

/* Steps 7 and 8: the body and the handler. */
static enum err
run_handler(struct serve *serve, struct req *r, struct cached *c)
{
	enum err e;

	e = field_read_body(r);
	if (e)
		return e;
	cached_prepare_answer(r, c);
	choose_server(serve, r, c);
	if (r->route->needs_database && !r->replica)
		e = db_ready(r->db);
	if (!e && r->route->needs_database && !r->replica)
		touch_prepare(serve, r);
	if (!e)
		e = handle(r);
	if (e == ERR_UNAVAILABLE && (!r->problem || r->problem->n == 0))
		return unavailable(r);
	return e;
}

/* Marks the answer as not cacheable if the model has been replaced. */
static void
look_after_model(const struct serve *serve, struct req *r)
{
	uint64_t version = r->model_version;

	if (!r->route->cache.by_model || !serve->find_model)
		return;
	serve->find_model(serve->arg, r);
	if (r->model_version != version)
		r->answer.no_store = true;
}

/* Step 9: ETag, caching, and 304 if the client has the answer. */
static void
finish(struct serve *serve, struct req *r, struct progress *p)
{
	struct cached *c = &p->cached;

	if (r->answer.status != 200 || r->route->method != METHOD_GET)
		return;
	reply_etag(r);
	if (!p->hit && c->cacheable && !r->replica) {
		cached_store_answer(r, c);
		serve->stored = true;
		r->cache_word = c->asked ? "miss" : "off";
	}
	if (p->hit)
		r->cache_word = "hit";
	if (reply_matches(r))
		r->answer.status = 304;
}

/* Step 2. *caller stays NULL on a PUBLIC route. */
static enum err
find_claims(struct req *r, struct claims *claims, const struct claims **caller)
{
	enum err e;

	if (r->route->guard == PUBLIC)
		return ERR_OK;
	e = guard_token(r, claims);
	if (e)
		return e;
	*caller = claims;
	if (claims->has_lang) /* until the account is known */
		r->lang = claims->lang;
	return ERR_OK;
}

/*
 * The language before the account is known: the last parameter `lang` (English
 * if it is not supported), else by Accept-Language.
 */
static enum lang
first_language(struct req *r)
{
	enum lang lang = LANG_EN;
	struct params query;
	size_t i;

	if (!strstr(r->query, "lang") && !strchr(r->query, '%'))
		return lang_negotiate(r->accept_language);
	params_parse(r->mem, r->query, strlen(r->query), &query);
	for (i = query.n; i-- > 0;) {
		if (strcmp(query.list[i].name, "lang") == 0) {
			(void)lang_of_tag(query.list[i].value, &lang);
			return lang;
		}
	}
	return lang_negotiate(r->accept_language);
}

/* Steps 1 to 4. */
static void
first_steps(struct req *r, struct progress *p)
{
	r->lang = first_language(r);
	p->e = find_route(r, &p->options);
	if (p->e || p->options)
		return;
	p->e = find_claims(r, &p->claims, &p->caller);
	if (!p->e)
		p->e = limit_request(r, p->caller ? p->caller->user_id : 0);
	if (p->e)
		return;
	p->query = field_read_query(r);
	p->of_query =
	    r->problem; /* not reported to a caller that the guard refuses */
	r->problem = NULL;
}

static bool
needs_model(const struct route *route)
{
	return route->needs_model || route->cache.by_model;
}

/* Steps 5 to 8. */
static enum err
last_steps(struct serve *serve, struct req *r, struct progress *p)
{
	enum err e;

	assert(r->route);
	if (needs_model(r->route) && serve->find_model)
		serve->find_model(serve->arg, r);
	e = find_caller(serve, r, p);
	if (!e)
		e = route_check_numbers(r);
	if (e)
		return e;
	if (p->query) {
		r->problem = p->of_query;
		return p->query;
	}
	return p->hit ? ERR_OK : run_handler(serve, r, &p->cached);
}

/* The keys of a request are those from `key`, and so are its items. */
struct ahead {
	struct req *r;
	size_t key, n;
};

void
serve_ahead(void *arg, TALLOC_CTX *mem, struct req *const *list, size_t n)
{
	struct serve *serve = arg;
	struct cache_key *keys =
	    mem_array(mem, struct cache_key, n * CACHED_KEYS_MAX);
	struct cache_item *items;
	struct ahead *ahead = mem_array(mem, struct ahead, n);
	size_t total = 0, i;

	for (i = 0; i < n; i++) {
		struct req *r = list[i];
		struct progress *p = mem_new(r->mem, struct progress);

		log_request(r->id, r->trace.id);
		r->progress = p;
		first_steps(r, p);
		ahead[i] = (struct ahead){ .r = r, .key = total };
		/* a model is held for one request only */
		if (p->e || p->options || needs_model(r->route))
			continue;
		ahead[i].n =
		    cached_keys(r, p->caller, &p->cached, keys + total);
		total += ahead[i].n;
	}
	log_request(NULL, NULL);
	serve->stored = false;
	items = mem_array(mem, struct cache_item, total + 1);
	if (!cache_get_many(mem, serve->cache, keys, items, total))
		return;
	for (i = 0; i < n; i++) {
		struct progress *p = ahead[i].r->progress;

		if (ahead[i].n == 0)
			continue;
		p->read_ahead = true;
		p->hit = cached_take(
		    ahead[i].r, p->caller, &p->cached, items + ahead[i].key);
	}
}

/* The counter of the cache for the request. */
static enum shm_cache
cache_outcome(const struct req *r)
{
	if (strcmp(r->cache_word, "hit") == 0)
		return SHM_CACHE_HIT;
	if (strcmp(r->cache_word, "miss") == 0 ||
	    strcmp(r->cache_word, "replica") == 0)
		return SHM_CACHE_MISS;
	if (strcmp(r->cache_word, "off") == 0)
		return SHM_CACHE_OFF;
	return SHM_CACHE_NONE;
}

/* Counts the request, once. */
static void
count(const struct serve *serve, struct req *r)
{
	if (r->counted || !serve->shm)
		return;
	r->counted = true;
	shm_count(serve->shm, r->route ? (int)(r->route - routes) : -1,
	    r->answer.status, clock_steady_us() - r->started_us,
	    cache_outcome(r));
}

/* Whether the statements of the request have its trace in a comment. */
static void
pass_trace(const struct serve *serve, const struct req *r)
{
	char parent[TRACE_PARENT_SIZE];
	const char *comment = NULL;

	if (r->trace.sampled && r->conf->trace_sql) {
		trace_parent(&r->trace, parent);
		comment = mem_printf(r->mem, "/*traceparent='%s'*/ ", parent);
	}
	db_trace(r->db, comment);
	if (serve->replica)
		db_trace(replica_db(serve->replica), comment);
}

void
serve_request(void *arg, struct req *r)
{
	struct serve *serve = arg;
	struct progress alone = { .e = ERR_OK };
	struct progress *p = r->progress ? r->progress : &alone;
	enum err e;

	log_request(r->id, r->trace.id);
	pass_trace(serve, r);
	if (p == &alone)
		first_steps(r, p);
	if (r->route && r->shm)
		shm_serving(r->shm, (int)(r->route - routes));
	e = p->e;
	if (!e && !p->options)
		e = last_steps(serve, r, p);
	if (serve->unraised)
		touch_await(serve, r);
	if (e) {
		problem_reply(r, e);
	} else if (r->route) {
		if (!p->hit)
			look_after_model(serve, r);
		finish(serve, r, p);
	}
	count(serve, r);
}

/*
 * The path for the log: cut before the first segment with an at sign, which is
 * a user name that looks like a mail address. The log of nginx does the same.
 */
static const char *
log_path(const struct req *r)
{
	size_t n = strcspn(r->path, "@");
	const char *encoded = strstr(r->path, "%40");

	if (encoded && (size_t)(encoded - r->path) < n)
		n = (size_t)(encoded - r->path);
	if (r->path[n] == '\0')
		return r->path;
	while (n > 0 && r->path[n - 1] != '/')
		n--;
	return mem_printf(r->mem, "%.*s*", (int)n, r->path);
}

void
serve_account(void *arg, struct req *r)
{
	int64_t took = clock_steady_us() - r->started_us;
	char trace[TRACE_PARENT_SIZE + 16] = "";

	count(arg, r);
	log_field("MXM_METHOD", "%s", r->method_text);
	log_field("MXM_ROUTE", "%s", r->route ? r->route->pattern : "other");
	log_field("MXM_STATUS", "%d", r->answer.status);
	log_field("MXM_DURATION_US", "%" PRId64, took);
	log_field("MXM_ACCOUNT_ID", "%" PRId64, r->account_id);
	log_field("MXM_CACHE", "%s", r->cache_word);
	if (r->trace.given) {
		snprintf(trace, sizeof trace, " trace=%s span=%s", r->trace.id,
		    r->trace.span);
		log_field("MXM_SPAN_ID", "%s", r->trace.span);
	}
	log_info("%s %s %d %" PRId64 "us user=%" PRId64 " cache=%s bytes=%zu%s",
	    r->method_text, log_path(r), r->answer.status, took, r->account_id,
	    r->cache_word, r->answer.body.len, trace);
	log_request(NULL, NULL);
}
