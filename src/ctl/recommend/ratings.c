/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings to learn from, of a file or of the site.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "ctl/recommend/recommend.h"
#include "db/copy.h"
#include "db/query.h"
#include "recommend/large.h"

#define REPORT_ROWS 10000

int
recommend_read(struct task *t, const char *path, struct table *out)
{
	struct fault fault;
	int status;
	enum err e;

	recommend_step(t, 0, "reading %.60s", path);
	e = table_read(t->mem, path, &ctl_stop, out, &fault);
	if (recommend_ended(t, e, &status))
		return status;
	if (fault.line)
		ctl_error(t->ctl, "%s:%ld: %s\n", path, fault.line, fault.why);
	else
		ctl_error(t->ctl, "%s: %s\n", path, fault.why);
	switch (e) {
	case ERR_NOT_FOUND:
		return EX_NOINPUT;
	case ERR_UNAVAILABLE:
		return EX_IOERR;
	default:
		return EX_DATAERR;
	}
}

int
recommend_memory(struct task *t, size_t ratings, uint32_t users, uint32_t items)
{
	size_t need = fit_memory(ratings, users, items, &t->fit.options);
	size_t there = fit_memory_there();

	if (t->options.tune || recommend_wants_order(t))
		need += tune_memory(
		    ratings, t->options.tune ? TUNE_RATINGS : ORDER_RATINGS);
	if (!t->options.quiet)
		fprintf(stderr,
		    "%zu rating%s of %" PRIu32 " user%s and %" PRIu32
		    " item%s, at most %zu MiB of memory\n",
		    ratings, PLURAL(ratings), users, PLURAL(users), items,
		    PLURAL(items), (need >> 20) + 1);
	if (there == SIZE_MAX || need <= there)
		return EX_OK;
	ctl_error(t->ctl,
	    "not enough memory: %zu MiB needed, %zu MiB "
	    "available; reduce factors or near_keep\n",
	    (need >> 20) + 1, there >> 20);
	return EX_OSERR;
}

/* --------------------------------------------------------------- the site */

/* All rows of train_ratings. */
static enum err
copy_ratings(struct task *t, struct gather *g)
{
	struct copy_reader *rows;
	int64_t row[4], n = 0;
	enum err e;

	e = copy_read_begin(t->mem, t->db, SQL_train_ratings, &rows);
	while (!e) {
		e = copy_read_row(rows, row, array_len(row));
		if (e)
			break;
		e = table_add(g, row[0], row[1], (float)row[2], row[3]);
		if (e)
			talloc_free(rows);
		if (++n % REPORT_ROWS == 0)
			progress_at(&t->step.progress, n);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static int
too_many(const struct task *t)
{
	ctl_error(t->ctl, "2^32 ratings or more are not supported\n");
	return EX_DATAERR;
}

int
recommend_read_site(struct task *t)
{
	struct gather *g;
	struct row size;
	int64_t ratings;
	int status;
	enum err e;

	if (query_one(t->mem, t->db, &size, SQL_train_size, NO_ARGS))
		return recommend_db_error(t);
	ratings = row_id(&size, "ratings");
	if (ratings >= UINT32_MAX)
		return too_many(t);
	status = recommend_memory(t, (size_t)ratings,
	    (uint32_t)row_id(&size, "users"),
	    (uint32_t)row_id(&size, "movies"));
	if (status != EX_OK)
		return status;
	recommend_step(t, ratings, "reading ratings");
	g = table_begin(t->mem);
	e = copy_ratings(t, g);
	if (e == ERR_TOO_LARGE)
		return too_many(t);
	if (e)
		return recommend_db_error(t);
	if (ctl_stop)
		return recommend_interrupted(t);
	table_end(t->mem, g, &t->data.table);
	progress_end(&t->step.progress);
	return EX_OK;
}

int
recommend_genres(struct task *t, const struct id_list *items,
    struct fit_genre **pairs, size_t *n)
{
	struct copy_reader *rows;
	size_t room = 0;
	int64_t row[2];
	uint32_t item;
	enum err e;

	*pairs = NULL;
	*n = 0;
	e = copy_read_begin(t->mem, t->db, SQL_train_genres, &rows);
	while (!e) {
		e = copy_read_row(rows, row, array_len(row));
		item = e ? ID_NONE : id_list_find(items, row[1]);
		if (item == ID_NONE)
			continue;
		if (*n == room) {
			room = 2 * room + 1024;
			*pairs = large_resize(*pairs, room, sizeof **pairs);
		}
		(*pairs)[(*n)++] = (struct fit_genre){ row[0], item };
	}
	return e == ERR_NOT_FOUND ? EX_OK : recommend_db_error(t);
}
