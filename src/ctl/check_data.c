/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: the database, its schema, the cache, the job queue and the
 * recommendation model.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "ctl/advice.h"
#include "ctl/check.h"
#include "ctl/recommend/model.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/query.h"

/* Seconds that a job may be overdue before a warning, and before a failure. */
#define QUEUE_SLOW 60
#define QUEUE_LATE 600

/* Seconds after which a published model should be on this host. */
#define MODEL_LATE 120
/* The timer trains every night: after two missed nights. */
#define MODEL_OLD (INT64_C(60) * 60 * 60)

void
check_database(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	struct db *db = check_db(f);
	struct schema schema;

	if (db_connect(db) != ERR_OK) {
		check_found(
		    f, "database", EX_UNAVAILABLE, advice_error(ctl, db));
		return;
	}
	check_found(f, "database", EX_OK, "is available");
	if (migrate_state(ctl->mem, db, &schema) != ERR_OK)
		check_found(f, "schema", EX_UNAVAILABLE, advice_error(ctl, db));
	else if (schema.verdict == SCHEMA_CURRENT)
		check_found(f, "schema", EX_OK, "is current");
	else
		check_found(f, "schema", EX_DATAERR, schema.sentence);
}

void
check_replica(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	struct db *db =
	    db_new(ctl->mem, ctl->conf->database_replica, CHECK_DB_MS);

	if (!*ctl->conf->database_replica)
		return;
	db_want_standby(db);
	if (db_ready(db) == ERR_OK)
		check_found(f, "replica", EX_OK, "is available");
	else
		check_warn(f, "replica",
		    mem_printf(ctl->mem,
			"%s; searches are read from the primary server; let "
			"database_replica in %s lead to a standby that is "
			"running",
			db_error(db),
			check_place(f, CONF_ID_database_replica)));
}

static bool
cache_answers(TALLOC_CTX *mem, const char *server)
{
	struct cache *cache = cache_new(mem, server);
	struct cache_key key;
	struct cache_item item;

	key_make(cache, &key, "check", NULL, 0);
	return cache_get_many(mem, cache, &key, &item, 1) &&
	       !cache_is_away(cache);
}

/* Each server separately, because a key is read from one of them only. */
void
check_cache(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	char *all = mem_text(ctl->mem, ctl->conf->cache_servers), *server;
	bool good = true;

	if (!*all) {
		check_found(
		    f, "cache", EX_OK, "none is set; answers are not cached");
		return;
	}
	while ((server = strsep(&all, ", \t"))) {
		if (!*server || cache_answers(ctl->mem, server))
			continue;
		good = false;
		check_found(f, "cache", EX_UNAVAILABLE,
		    mem_printf(ctl->mem,
			"no answer at %s; check that memcached is running there "
			"and that this user may connect: systemctl status "
			"mxm-cache memcached",
			server));
	}
	if (good)
		check_found(f, "cache", EX_OK, "is available");
}

/* ------------------------------------------------------------------- queue */

static void
report_queue(struct findings *f, int64_t failed, int64_t waiting, int64_t age)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	char late[CLOCK_AGE_SIZE];

	clock_age(late, age);
	if (age >= QUEUE_SLOW) {
		const char *text = mem_printf(mem,
		    "a job has been overdue for %s; check that mxm-jobs is "
		    "running: systemctl status mxm-jobs",
		    late);

		if (age < QUEUE_LATE)
			check_warn(f, "queue", text);
		else
			check_found(f, "queue", EX_UNAVAILABLE, text);
	}
	if (failed > 0)
		check_warn(f, "queue",
		    mem_printf(mem,
			"%" PRId64 " job%s failed permanently; \"mxmctl jobs "
			"list failed\" prints why, \"mxmctl jobs retry failed\" "
			"retries them",
			failed, failed == 1 ? " has" : "s have"));
	if (age < QUEUE_SLOW && failed == 0)
		check_found(f, "queue", EX_OK,
		    mem_printf(mem, "%" PRId64 " job%s queued, none failed",
			waiting, PLURAL(waiting)));
}

void
check_queue(struct findings *f)
{
	int64_t failed = 0, waiting = 0, age = 0;
	struct rows rows;
	struct row row;
	int i;

	if (query_all(check_ctl(f)->mem, check_db(f), &rows, SQL_job_counts,
		NO_ARGS) != ERR_OK)
		return; /* reported by check_database() */
	for (i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		if (strcmp(row_text(&row, "state"), "failed") == 0)
			failed += row_id(&row, "jobs");
		if (strcmp(row_text(&row, "state"), "queued") == 0)
			waiting += row_id(&row, "jobs");
		if (row_id(&row, "waiting") > age)
			age = row_id(&row, "waiting");
	}
	report_queue(f, failed, waiting, age);
}

/* ------------------------------------------------------------------- model */

static void
report_model(struct findings *f, const struct ctl_model *here,
    const struct published *newest)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	int64_t now = clock_now_us() / 1000000;
	char age[CLOCK_AGE_SIZE];

	if (!here->model || !publish_is(newest, &here->stamp)) {
		if (now - newest->published_at < MODEL_LATE)
			check_found(f, "model", EX_OK,
			    "a new one has just been published");
		else
			check_warn(f, "model",
			    mem_printf(mem,
				"model %" PRIu64 " is in force, but %s: %s; "
				"check that mxm-jobs is running and can write "
				"there",
				newest->stamp.version, here->path,
				here->model ? "another model" : here->why));
		return;
	}
	clock_age(age, now - here->stamp.trained_at);
	if (now - here->stamp.trained_at > MODEL_OLD)
		check_warn(f, "model",
		    mem_printf(mem,
			"is %s old; see \"systemctl status moviesxmovies-"
			"train.timer\", or run \"mxmctl recommend train\"",
			age));
	else
		check_found(f, "model", EX_OK, mem_printf(mem, "%s old", age));
}

void
check_model(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	struct ctl_model here;
	struct published newest;
	enum err e;

	e = publish_newest(ctl->mem, check_db(f), &newest);
	if (e == ERR_NOT_FOUND) {
		check_found(f, "model", EX_OK,
		    "none yet; it is trained in the first night after the "
		    "first ratings");
		return;
	}
	if (e)
		return; /* reported by check_database() */
	ctl_model_here(ctl->mem, ctl->conf->model_file, &here);
	report_model(f, &here, &newest);
}
