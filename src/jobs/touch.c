/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The touches: rows written in the same transaction as a change, for
 * generations that a worker raises by itself right after its commit. They are
 * raised here once more, and only then deleted; so whatever kept the worker
 * from it (its death, a memcached that was away), nothing stale outlives the
 * next round. Raising twice is harmless, hence every host may do this at the
 * same time.
 *
 * The flags of this host: while rows are left that could not be raised, readers
 * pass the answer cache by; and a worker that could not raise something has
 * sent them past it by itself, until a round that began later has seen to every
 * row. Raise first, then delete, then clear: a reader who believes the cache
 * again finds the numbers raised.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "db/query.h"
#include "jobs/jobs.h"

#define ROUND_MS 1000
#define BITE     1000 /* the LIMIT of touch_pending */

/* The file is there when mxmd has run; a new master makes a new one. */
static void
watch_shm(struct jobs *j)
{
	if (j->shm && !shm_is_replaced(j->shm))
		return;
	talloc_free(j->shm);
	j->shm = NULL;
	/* without it, raised in the cache only */
	(void)shm_open_file(j, j->conf->run_dir, true, &j->shm);
}

/*
 * Which database this is now. Asked after the rows were read: those that are
 * left of an earlier one are then raised in vain, but those of a later one are
 * never raised for an earlier.
 */
static enum err
read_incarnation(struct jobs *j, TALLOC_CTX *mem)
{
	uint64_t incarnation;
	struct row row;
	enum err e;

	e = query_one(mem, j->db, &row, SQL_incarnation, NO_ARGS);
	if (e)
		return e;
	incarnation = (uint64_t)row_id(&row, "incarnation");
	cache_set_incarnation(j->cache, incarnation);
	if (!j->shm)
		return ERR_OK;
	if (shm_incarnation(j->shm) != incarnation)
		log_info("touches: the database was restored, restarted or "
			 "altered; what the cache holds of it before is not "
			 "used");
	shm_set_incarnation(j->shm, incarnation);
	return ERR_OK;
}

/* Fills ids with those of the rows that could be raised; returns how many. */
static size_t
raise_all(struct jobs *j, const struct rows *rows, int64_t *ids)
{
	const char *kind = "", *key = "";
	struct cache_key generation;
	bool raised = false;
	size_t n = 0;
	int i;

	for (i = 0; i < rows->count; i++) {
		struct row row;

		rows_at(rows, i, &row);
		if (strcmp(kind, row_text(&row, "kind")) != 0 ||
		    strcmp(key, row_text(&row, "key")) != 0) {
			kind = row_text(&row, "kind");
			key = row_text(&row, "key");
			key_generation(j->cache, &generation, kind, key);
			raised = generation_raise(j->cache, &generation);
		}
		if (raised)
			ids[n++] = row_id(&row, "id");
	}
	return n;
}

/* Logs the change from one to the other only. */
static void
tell(struct jobs *j, int left)
{
	if (left > 0 && !j->overdue)
		log_warn("touches: %d cannot be raised; answers pass the "
			 "cache by",
		    left);
	if (left == 0 && j->overdue)
		log_info("touches: all have been raised");
	j->overdue = left > 0;
	if (j->shm)
		shm_touch_overdue(j->shm, j->overdue);
}

/* One bite; *more: there may be further rows. */
static enum err
take_bite(struct jobs *j, TALLOC_CTX *mem, bool *more)
{
	int64_t began = clock_steady_us(), *ids;
	struct rows rows;
	enum err e;
	size_t n;

	e = query_all(mem, j->db, &rows, SQL_touch_pending, NO_ARGS);
	if (!e)
		e = read_incarnation(j, mem);
	if (e)
		return e;
	ids = mem_array(mem, int64_t, (size_t)rows.count + 1);
	n = raise_all(j, &rows, ids);
	if (n > 0) {
		e = query_exec(
		    mem, j->db, NULL, SQL_touch_delete, arg_int_array(ids, n));
		if (e)
			return e;
	}
	*more = rows.count == BITE && n > 0;
	if (*more)
		return ERR_OK;
	tell(j, rows.count - (int)n);
	if (n == (size_t)rows.count && j->shm)
		shm_touch_clear(j->shm, began);
	return ERR_OK;
}

enum err
touch_round(struct jobs *j)
{
	bool more = true;
	enum err e = ERR_OK;

	watch_shm(j);
	while (e == ERR_OK && more && !*j->stop) {
		TALLOC_CTX *mem = mem_request(j);

		e = take_bite(j, mem, &more);
		talloc_free(mem);
	}
	return e;
}

void
touch_run(struct jobs *j)
{
	while (!*j->stop) {
		enum err e = touch_round(j);

		if (e == ERR_OK && !*j->stop)
			e = db_wait(j->db, ROUND_MS);
		jobs_rest(j, e);
	}
}
