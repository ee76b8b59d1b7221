/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Health checks: liveness and readiness. Liveness does not use the database, so
 * that healthy workers are not replaced while it is unavailable.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "http/handlers.h"

#define RETRY_SECONDS "5"

/* 200 as long as the process answers. */
enum err
health_live(struct req *r)
{
	r->answer.cache_control = "no-store";
	return reply_text(r, 200, "status", "ok");
}

/* Whether memcached answers (a miss counts). */
static bool
cache_answers(struct req *r)
{
	struct cache_key key;
	struct cache_item item;

	key_make(r->cache, &key, "health", NULL, 0);
	return cache_get_many(r->mem, r->cache, &key, &item, 1);
}

/* The message and Retry-After of an error. */
static void
put_error(struct req *r, struct json *j)
{
	const char *const seconds[3] = { RETRY_SECONDS };

	json_key(j, "error");
	json_text(j, msg_format(r->mem, r->lang, MSG_UNAVAILABLE, seconds));
	reply_header(r, "Retry-After", RETRY_SECONDS);
}

/*
 * 200 if the database is available and its schema is current, else 503. The
 * cache is reported, but its failure does not make the service unready: answers
 * are only slower without it.
 */
enum err
health_ready(struct req *r)
{
	struct row row;
	enum err e;
	struct json *j;

	e = db_ready(r->db);
	if (!e)
		e = query_one(r->mem, r->db, &row, SQL_health_ping, NO_ARGS);
	j = reply_json(r, e ? 503 : 200);
	r->answer.cache_control = "no-store";
	json_object(j);
	if (e)
		put_error(r, j);
	json_key(j, "status");
	json_text(j, e ? "unavailable" : "ok");
	json_key(j, "database");
	json_text(j, e ? "away" : "ok"); /* the reason is logged */
	json_key(j, "cache");
	json_text(j, cache_answers(r) ? "ok" : "away");
	json_key(j, "overdue_touches");
	if (e)
		json_null(j);
	else
		json_int(j, row_id(&row, "overdue"));
	json_object_end(j);
	return reply_done(r, j);
}
