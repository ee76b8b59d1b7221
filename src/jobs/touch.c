/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Touches: rows written in the same transaction as a change, whose generations
 * the worker raises after its commit. They are raised again here before the
 * rows are deleted, so that even if the worker could not do it (it died, or
 * memcached was unavailable), no stale answer is valid after the next round.
 * Raising twice is harmless, so every host may do this concurrently.
 *
 * The flags of this host: while some rows could not be raised, readers bypass
 * the answer cache; a worker that could not raise a generation has set a flag
 * with the same effect, until a later round has raised all rows. The order is
 * raise, delete, clear the flag, so that readers that use the cache again find
 * the raised generations.
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
#define BATCH    1000 /* rows */

/* The file exists once mxmd has run; a new master replaces it. */
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
 * The incarnation of the database. Read after the rows: rows of an earlier
 * incarnation are then raised without need, but those of a later one are not
 * raised for an earlier one.
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

/* Whether row i is of another generation than the one before it. */
static bool
is_another(const struct rows *rows, int i)
{
	struct row row, before;

	if (i == 0)
		return true;
	rows_at(rows, i, &row);
	rows_at(rows, i - 1, &before);
	return strcmp(row_text(&row, "kind"), row_text(&before, "kind")) != 0 ||
	       strcmp(row_text(&row, "key"), row_text(&before, "key")) != 0;
}

/* Fills ids with those of the raised rows; returns their number. */
static size_t
raise_all(
    struct jobs *j, TALLOC_CTX *mem, const struct rows *rows, int64_t *ids)
{
	size_t most = (size_t)rows->count + 1, keys_n = 0, n = 0, k = 0;
	struct cache_key *keys = mem_array(mem, struct cache_key, most);
	bool *raised = mem_array(mem, bool, most);
	struct row row;

	for (int i = 0; i < rows->count; i++) {
		if (!is_another(rows, i))
			continue;
		rows_at(rows, i, &row);
		key_generation(j->cache, &keys[keys_n++],
		    row_text(&row, "kind"), row_text(&row, "key"));
	}
	(void)generation_raise_many(j->cache, keys, raised, keys_n);
	for (int i = 0; i < rows->count; i++) {
		k += i > 0 && is_another(rows, i);
		rows_at(rows, i, &row);
		if (raised[k])
			ids[n++] = row_id(&row, "id");
	}
	return n;
}

/* Logs only changes of the state. */
static void
log_change(struct jobs *j, int left)
{
	if (left > 0 && !j->overdue)
		log_event(LOG_LEVEL_WARNING, EVENT_TOUCHES_OVERDUE,
		    "touches: %d cannot be raised; answers bypass the "
		    "cache",
		    left);
	if (left == 0 && j->overdue)
		log_info("touches: all have been raised");
	j->overdue = left > 0;
	if (j->shm)
		shm_touch_overdue(j->shm, j->overdue);
}

/* One batch; *more: there may be further rows. */
static enum err
take_batch(struct jobs *j, TALLOC_CTX *mem, bool *more)
{
	int64_t began = clock_steady_us(), *ids;
	struct rows rows;
	enum err e;
	size_t n;

	e = query_all(mem, j->db, &rows, SQL_touch_pending, arg_int(BATCH));
	if (!e)
		e = read_incarnation(j, mem);
	if (e)
		return e;
	ids = mem_array(mem, int64_t, (size_t)rows.count + 1);
	n = raise_all(j, mem, &rows, ids);
	if (n > 0) {
		e = query_exec(
		    mem, j->db, NULL, SQL_touch_delete, arg_int_array(ids, n));
		if (e)
			return e;
	}
	*more = rows.count == BATCH && n > 0;
	if (*more)
		return ERR_OK;
	log_change(j, rows.count - (int)n);
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

		e = take_batch(j, mem, &more);
		talloc_free(mem);
	}
	return e;
}

void
touch_run(struct jobs *j)
{
	/* no connection yet: the next one listens */
	(void)db_listen(j->db, "touch");
	while (!*j->stop) {
		enum err e = touch_round(j);

		if (e == ERR_OK && !*j->stop)
			e = db_wait(j->db, ROUND_MS);
		jobs_rest(j, e);
	}
}
