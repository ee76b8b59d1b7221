/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Common parts of imports: the transaction, error messages, and the report of
 * skipped lines.
 */
#include "base/base.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/query.h"
#include "db/tx.h"
#include "import/import.h"

enum err
import_fail(struct import *im, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	im->why = mem_need(talloc_vasprintf(im->mem, fmt, ap));
	va_end(ap);
	return e;
}

bool
import_stopped(struct import *im)
{
	if (!im->stop || !*im->stop)
		return false;
	im->why = "stopped by a signal";
	return true;
}

const char *
import_path(const struct import *im, const char *file)
{
	const char *path = mem_printf(im->mem, "%s/%s", im->dir, file);
	const char *packed = mem_printf(im->mem, "%s.gz", path);

	return access(path, F_OK) != 0 && access(packed, F_OK) == 0 ? packed :
								      path;
}

const char *
import_first(const struct import *im, const char *const *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (access(import_path(im, files[i]), F_OK) == 0)
			return files[i];
	}
	return files[0];
}

/*
 * The message of a database error. If the server refuses checked data, that is
 * an internal error, but for rows that another transaction has inserted.
 */
enum err
import_database_failed(struct import *im, enum err e)
{
	if (im->why || import_stopped(im))
		return e;
	if (e != ERR_UNAVAILABLE && e != ERR_CONFLICT)
		e = ERR_INTERNAL;
	return import_fail(im, e, "the database: %s", db_error(im->db));
}

enum err
import_exec(struct import *im, enum stmt s, long *count)
{
	long n = 0;
	enum err e;

	if (import_stopped(im))
		return ERR_UNAVAILABLE;
	if (stmt_info(s)->mode == STMT_SCRIPT)
		e = query_script(im->mem, im->db, s);
	else
		e = query_exec(im->mem, im->db, &n, s, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	if (count)
		*count = n;
	return ERR_OK;
}

enum err
import_exec_all(struct import *im, const enum stmt *statements, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++)
		e = import_exec(im, statements[i], NULL);
	return e;
}

enum err
import_skips(struct import *im, enum stmt s, const char *file, const char *what,
    long *count)
{
	const struct report_at at = { REPORT_SKIPPED, file, what, 0, 0 };

	return import_faults(im, s, &at, count);
}

enum err
import_faults(
    struct import *im, enum stmt s, const struct report_at *of, long *count)
{
	struct report_at at = *of;
	struct rows rows;
	struct row row;
	long total = 0;
	enum err e;

	if (import_stopped(im))
		return ERR_UNAVAILABLE;
	e = query_all(im->mem, im->db, &rows, s, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		total = (long)row_id(&row, "total");
		at.line = (long)row_id(&row, "line");
		report_add(&im->report, &at, "%s", row_text(&row, "why"));
	}
	if (total > rows.count) {
		at.last = (long)row_id(&row, "last");
		report_count(&im->report, &at, total - rows.count);
	}
	if (count)
		*count = total;
	return ERR_OK;
}

struct run {
	struct import *im;
	enum err (*fn)(struct import *);
};

static enum err
take_lock(struct import *im)
{
	struct row row;
	enum err e;

	e = query_one(im->mem, im->db, &row, SQL_import_lock, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	if (!row_bool(&row, "mine"))
		return import_fail(im, ERR_CONFLICT,
		    "another import is running; wait until it has ended");
	return ERR_OK;
}

/*
 * If more than nine of ten lines are unusable, the file is probably of another
 * kind, which is an error.
 */
static enum err
check_used(struct import *im)
{
	if (im->is_database)
		return ERR_OK;
	for (int i = 0; i < im->report.n_tallies; i++) {
		const struct tally *t = &im->report.tallies[i];

		if (t->skipped * 10 > t->read * 9)
			return import_fail(im, ERR_INVALID,
			    "%s: %ld of %ld could not be used", t->what,
			    t->skipped, t->read);
	}
	return ERR_OK;
}

/* May be called again, after a deadlock. */
static enum err
run_once(void *arg)
{
	struct run *run = arg;
	struct import *im = run->im;
	enum err e;

	report_init(&im->report, im->mem);
	im->why = NULL;
	e = import_exec(im, SQL_import_settings, NULL);
	if (!e)
		e = take_lock(im);
	if (!e)
		e = run->fn(im);
	if (!e)
		e = check_used(im);
	if (!e && import_stopped(im))
		e = ERR_UNAVAILABLE;
	return e;
}

enum err
import_run(struct import *im, enum err (*fn)(struct import *))
{
	struct run run = { .im = im, .fn = fn };
	enum err e;

	im->why = NULL;
	db_interrupt(im->db, im->stop);
	if (im->dry_run)
		e = tx_try(im->db, run_once, &run);
	else
		e = tx_run(im->db, run_once, &run);
	db_interrupt(im->db, NULL);
	progress_clear(&im->progress);
	if (e && !im->why)
		e = import_database_failed(im, e);
	return e;
}
