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
#include "api/serve.h"
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

/* Retry-After while the database is unavailable, in seconds. */
#define RETRY_SECONDS 5

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
	if (r->shm)
		shm_serving(r->shm, (int)(r->route - routes));
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
 * Steps 5 and 6: the caller, from the cache or the database, and the guard.
 * *hit: the answer was read from the cache.
 */
static enum err
find_caller(
    struct req *r, const struct claims *claims, struct cached *c, bool *hit)
{
	enum err e;

	*hit = cached_read(r, claims, c);
	if (!claims)
		return ERR_OK;
	if (!r->account) {
		cached_prepare_account(r, c);
		e = db_ready(r->db);
		if (!e)
			e = account_load(r, claims, &r->account);
		if (e == ERR_UNAVAILABLE)
			return unavailable(r);
		if (e)
			return e;
		cached_store_account(r, c);
	}
	r->account_id = r->account->id;
	r->lang = r->account->lang;
	e = guard_account(r);
	if (e)
		return e;
	if (!*hit)
		*hit = cached_read_again(r, c);
	return ERR_OK;
}

/* Steps 7 and 8: the body and the handler. */
static enum err
run_handler(struct req *r, struct cached *c)
{
	enum err e;

	e = field_read_body(r);
	if (e)
		return e;
	cached_prepare_answer(r, c);
	if (r->route->needs_database)
		e = db_ready(r->db);
	if (!e)
		e = r->route->handle(r);
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
finish(struct req *r, struct cached *c, bool hit)
{
	if (r->answer.status != 200 || r->route->method != METHOD_GET)
		return;
	reply_etag(r);
	if (!hit && c->cacheable) {
		cached_store_answer(r, c);
		r->cache_word = c->asked ? "miss" : "off";
	}
	if (hit)
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

static enum err
serve_steps(struct serve *serve, struct req *r, struct cached *c, bool *hit)
{
	struct claims claims;
	const struct claims *caller = NULL;
	struct problem *of_query;
	bool options;
	enum err e, query;

	e = find_route(r, &options);
	if (e || options)
		return e;
	e = find_claims(r, &claims, &caller);
	if (!e)
		e = limit_request(r, caller ? caller->user_id : 0);
	if (e)
		return e;
	if (r->route->cache.by_model && serve->find_model)
		serve->find_model(serve->arg, r);
	query = field_read_query(r);
	of_query =
	    r->problem; /* not reported to a caller that the guard refuses */
	r->problem = NULL;
	e = find_caller(r, caller, c, hit);
	if (!e)
		e = route_check_numbers(r);
	if (e)
		return e;
	if (query) {
		r->problem = of_query;
		return query;
	}
	return *hit ? ERR_OK : run_handler(r, c);
}

/*
 * The language before the account is known: the parameter `lang` (English if it
 * is not supported), else by Accept-Language.
 */
static enum lang
first_language(struct req *r)
{
	enum lang lang = LANG_EN;
	struct params query;
	size_t i;

	if (!strstr(r->query, "lang="))
		return lang_negotiate(r->accept_language);
	params_parse(r->mem, r->query, strlen(r->query), &query);
	for (i = 0; i < query.n; i++) {
		if (strcmp(query.list[i].name, "lang") == 0) {
			(void)lang_parse(query.list[i].value, &lang);
			return lang;
		}
	}
	return lang_negotiate(r->accept_language);
}

void
serve_request(void *arg, struct req *r)
{
	const struct serve *serve = arg;
	struct cached c = { .asked = false };
	bool hit = false;
	enum err e;

	log_request(r->id);
	r->lang = first_language(r);
	e = serve_steps(arg, r, &c, &hit);
	if (e) {
		problem_reply(r, e);
	} else if (r->route) {
		if (!hit)
			look_after_model(serve, r);
		finish(r, &c, hit);
	}
}

/* The counter of the cache for the request. */
static enum shm_cache
cache_outcome(const struct req *r)
{
	if (strcmp(r->cache_word, "hit") == 0)
		return SHM_CACHE_HIT;
	if (strcmp(r->cache_word, "miss") == 0)
		return SHM_CACHE_MISS;
	if (strcmp(r->cache_word, "off") == 0)
		return SHM_CACHE_OFF;
	return SHM_CACHE_NONE;
}

void
serve_account(void *arg, struct req *r)
{
	struct serve *serve = arg;
	int64_t took = clock_steady_us() - r->started_us;
	int route = r->route ? (int)(r->route - routes) : -1;

	if (serve->shm)
		shm_count(serve->shm, route, r->answer.status, took,
		    cache_outcome(r));
	log_info("%s %s %d %" PRId64 "us user=%" PRId64 " cache=%s bytes=%zu",
	    r->method_text, r->path, r->answer.status, took, r->account_id,
	    r->cache_word, r->answer.body.len);
	log_request(NULL);
}
