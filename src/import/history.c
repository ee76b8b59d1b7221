/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The transaction of an import: records to the database, then the statements of
 * sql/history.sql, in their order.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "db/query.h"
#include "db/tx.h"
#include "import/history.h"
#include "import/history_lines.h"

static const enum stmt stages[] = {
	SQL_history_line_stage,
	SQL_history_row_stage,
	SQL_history_rating_stage,
	SQL_history_review_stage,
	SQL_history_list_stage,
	SQL_history_skip_stage,
	SQL_history_count_stage,
};

#define FORMATS 4 /* the first steps: what the records are, by their format */

static const enum stmt steps[] = {
	SQL_history_letterboxd,
	SQL_history_imdb,
	SQL_history_trakt,
	SQL_history_own,
	SQL_history_row_check,
	SQL_history_row_analyze,
	SQL_history_match_source,
	SQL_history_match_title,
	SQL_history_match_none,
	SQL_history_row_index,
	SQL_history_row_analyze,
	SQL_history_rating_fill,
	SQL_history_watched,
	SQL_history_list_fill,
	SQL_history_list_name,
	SQL_history_list_add,
	SQL_history_list_know,
	SQL_history_list_skip,
	SQL_history_list_movie_add,
	SQL_history_unseen_add,
	SQL_history_follow_add,
	SQL_history_platform_add,
	SQL_history_review_fill,
	SQL_history_review_skip,
	SQL_history_review_add,
	SQL_history_skip_fill,
	SQL_history_rating_add,
};

/* Runs a statement with the parameters that it has; *rows may be NULL. */
static enum err
run_statement(struct history_import *h, enum stmt s, long *rows)
{
	struct arg user = arg_id(h->user_id), replace = arg_bool(h->replace);

	if (h->stop && *h->stop)
		return ERR_UNAVAILABLE;
	switch (stmt_info(s)->count) {
	case 0:
		return query_exec(h->mem, h->db, rows, s, NO_ARGS);
	case 1:
		return query_exec(h->mem, h->db, rows, s, user);
	default:
		return query_exec(h->mem, h->db, rows, s, user, replace);
	}
}

static enum err
begin(struct history_import *h)
{
	struct row row;
	enum err e;

	e = query_script(h->mem, h->db, SQL_history_settings);
	if (!e)
		e = query_one(
		    h->mem, h->db, &row, SQL_history_lock, arg_id(h->user_id));
	for (size_t i = 0; !e && i < array_len(stages); i++)
		e = run_statement(h, stages[i], NULL);
	return e;
}

static enum err
read_files(struct history_import *h, bool *known)
{
	struct history_lines lines = { .h = h };
	enum err e;

	e = copy_begin(h->mem, h->db, SQL_history_line_copy, &lines.copy);
	if (e)
		return e;
	e = history_read(&lines);
	if (e)
		copy_abort(lines.copy, "the import failed");
	else
		e = copy_end(lines.copy, NULL);
	*known = lines.known;
	return e;
}

/* known: a file has a known format, even if it has no records. */
static enum err
take_steps(struct history_import *h, bool known)
{
	long rows = 0, all = 0;
	enum err e;

	for (size_t i = 0; i < array_len(steps); i++) {
		if (i == FORMATS && all == 0 && !known)
			return history_fail(h, "format",
			    "%s has no records of a known format", h->name);
		if (h->progress)
			h->progress(
			    h, HISTORY_READ + (int)((100 - HISTORY_READ) * i /
						    array_len(steps)));
		e = run_statement(h, steps[i], &rows);
		if (e)
			return e;
		all += rows;
	}
	return ERR_OK;
}

static enum err
report_counts(struct history_import *h)
{
	struct rows rows;
	struct row row;
	enum err e;

	e = query_all(h->mem, h->db, &rows, SQL_history_counts, NO_ARGS);
	for (int i = 0; !e && i < rows.count; i++) {
		struct tally *t;

		rows_at(&rows, i, &row);
		t = report_tally(
		    &h->report, mem_text(h->mem, row_text(&row, "what")));
		t->read = row_int(&row, "read");
		t->added = row_int(&row, "added");
		t->changed = row_int(&row, "changed");
		t->skipped = row_int(&row, "skipped");
	}
	return e;
}

/* The number of records of each reason and file, at most 200 of these. */
static enum err
report_reasons(struct history_import *h)
{
	struct rows rows;
	struct row row;
	enum err e;

	e = query_all(h->mem, h->db, &rows, SQL_history_reasons, NO_ARGS);
	for (int i = 0; !e && i < rows.count; i++) {
		struct report_at at = { REPORT_SKIPPED, NULL, NULL, 0, 0 };

		rows_at(&rows, i, &row);
		if (*row_text(&row, "kind") == 'd')
			at.kind = REPORT_DROPPED;
		if (*row_text(&row, "kind") == 'a')
			at.kind = REPORT_ADJUSTED;
		at.file = mem_text(h->mem, row_text(&row, "file"));
		at.what = mem_text(h->mem, row_text(&row, "what"));
		at.line = (long)row_id(&row, "line");
		at.last = (long)row_id(&row, "last");
		report_count(&h->report, &at, row_int(&row, "n"));
		h->report.total[at.kind] = (long)row_id(&row, "total");
	}
	return e;
}

/* The first skipped records, and what is not used, as lines of text. */
static enum err
report_skips(struct history_import *h)
{
	struct rows rows;
	struct buf notes;
	struct row row;
	enum err e;

	buf_init(&notes, h->mem, 1024);
	e = query_all(h->mem, h->db, &rows, SQL_history_skips, NO_ARGS);
	if (e)
		return e;
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		buf_printf(&notes, "%s:%s: skipped: %s\n",
		    row_text(&row, "file"), row_text(&row, "lines"),
		    row_text(&row, "why"));
	}
	if (h->report.total[REPORT_SKIPPED] > rows.count)
		buf_printf(&notes, "… and %ld more\n",
		    h->report.total[REPORT_SKIPPED] - rows.count);
	e = query_all(h->mem, h->db, &rows, SQL_history_unused, NO_ARGS);
	for (int i = 0; !e && i < rows.count; i++) {
		rows_at(&rows, i, &row);
		buf_printf(&notes, "%s: not used", row_text(&row, "file"));
		if (row_id(&row, "n") > 0)
			buf_printf(
			    &notes, ": %" PRId64 " records", row_id(&row, "n"));
		buf_printf(&notes, "\n");
	}
	h->notes = notes.data;
	return e;
}

static enum err
make_report(struct history_import *h)
{
	struct row row;
	enum err e;

	e = query_one(h->mem, h->db, &row, SQL_history_report, NO_ARGS);
	if (e)
		return e;
	h->json = mem_text(h->mem, row_text(&row, "report"));
	e = report_counts(h);
	if (!e)
		e = report_reasons(h);
	return e ? e : report_skips(h);
}

/* May be called again, after a deadlock. */
static enum err
run_once(void *arg)
{
	struct history_import *h = arg;
	bool known = false;
	enum err e;

	report_init(&h->report, h->mem);
	h->failure = h->why = NULL;
	e = begin(h);
	if (!e)
		e = read_files(h, &known);
	if (!e)
		e = take_steps(h, known);
	if (!e)
		e = make_report(h);
	if (!e && h->finish && !h->dry_run)
		e = h->finish(h);
	return e;
}

enum err
history_import(struct history_import *h)
{
	enum err e;

	db_interrupt(h->db, h->stop);
	if (h->dry_run)
		e = tx_try(h->db, run_once, h);
	else
		e = tx_run(h->db, run_once, h);
	db_interrupt(h->db, NULL);
	if (!e && h->dry_run && h->finish)
		e = h->finish(h);
	if (!e || h->failure)
		return e;
	if (e != ERR_UNAVAILABLE)
		e = ERR_INTERNAL;
	h->why = h->stop && *h->stop ?
		     "stopped by a signal" :
		     mem_printf(h->mem, "the database: %s", db_error(h->db));
	return e;
}
