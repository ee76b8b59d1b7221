/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files by column names.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/mem.h"
#include "import/cause.h"
#include "import/table.h"

/* "path:1: what; likely cause: …" */
static enum err
bad_header(
    struct table *t, bool ok, const struct csv_row *row, const char *what)
{
	const char *cause = cause_of_header(t->csv, t->form, ok, row);

	return import_fail(t->im, ERR_INVALID, "%s:%ld: %s%s%s",
	    import_path(t->im, t->file), row->line, what,
	    cause ? "; likely cause: " : "", cause ? cause : "");
}

static enum err
read_header(struct table *t, const struct table_spec *spec)
{
	struct csv_row row = { 0 };
	const char *missing;
	enum csv_event event = csv_next(t->csv, &row);

	if (import_stopped(t->im))
		return ERR_UNAVAILABLE;
	if (event != CSV_ROW)
		return bad_header(t, false, &row,
		    mem_printf(t->im->mem, "no header line: %s",
			event == CSV_END ? "the file is empty" : row.why));
	t->header = row.count;
	for (t->n = 0; t->n < TABLE_COLUMNS && spec->columns[t->n];)
		t->n++;
	if (!csv_columns(&row, spec->columns, t->n - spec->optional, t->columns,
		&missing))
		return bad_header(t, true, &row,
		    mem_printf(t->im->mem, "the header has no column \"%s\"",
			missing));
	missing = csv_repeated(&row, spec->columns, t->n);
	if (missing)
		return bad_header(t, true, &row,
		    mem_printf(t->im->mem,
			"the header has more than one column \"%s\"", missing));
	for (int i = t->n - spec->optional; i < t->n; i++) {
		if (!csv_columns(
			&row, spec->columns + i, 1, t->columns + i, &missing))
			t->columns[i] = -1;
	}
	for (int i = 0; i < t->n; i++) {
		if (t->columns[i] >= t->width)
			t->width = t->columns[i] + 1;
	}
	if (t->form == CSV_TABS)
		t->width = t->header;
	return ERR_OK;
}

enum err
table_open(struct import *im, const struct table_spec *spec, struct table *out)
{
	const char *path = import_path(im, spec->file);
	enum err e;

	*out =
	    (struct table){ .im = im, .file = spec->file, .form = spec->form };
	out->csv = csv_open(im->mem, path, spec->form);
	if (!out->csv)
		return import_fail(
		    im, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	csv_interrupt(out->csv, im->stop);
	if (spec->what)
		out->tally = report_tally(&im->report, spec->what);
	e = read_header(out, spec);
	if (e)
		return e;
	progress_begin(&im->progress,
	    mem_printf(im->mem, "reading %s", spec->file), csv_size(out->csv));
	csv_show(out->csv, &im->progress);
	return ERR_OK;
}

static struct report_at
at_row(const struct table *t, enum report_kind kind, const char *what)
{
	return (struct report_at){ kind, t->file, what, t->line, t->last };
}

void
table_skip(struct table *t, const char *what, const char *fmt, ...)
{
	const struct report_at at = at_row(t, REPORT_SKIPPED, what);
	va_list ap;

	if (t->tally)
		t->tally->skipped++;
	va_start(ap, fmt);
	report_vadd(&t->im->report, &at, fmt, ap);
	va_end(ap);
}

void
table_drop(struct table *t, const char *what, const char *fmt, ...)
{
	const struct report_at at = at_row(t, REPORT_DROPPED, what);
	va_list ap;

	va_start(ap, fmt);
	report_vadd(&t->im->report, &at, fmt, ap);
	va_end(ap);
}

void
table_filter(struct table *t, const char *what)
{
	const struct report_at at = at_row(t, REPORT_FILTERED, what);

	t->tally->filtered++;
	report_count(&t->im->report, &at, 1);
}

void
table_cause(struct table *t, const char *cause)
{
	report_cause(&t->im->report, t->file, t->line, cause);
}

/* Empty fields after the last column, which spreadsheet programs add. */
static bool
has_more(const struct table *t, const struct csv_row *row)
{
	for (int i = t->header; i < row->count; i++) {
		if (*row->fields[i] || t->form == CSV_TABS)
			return true;
	}
	return false;
}

/* The fields in the order of the names. */
static void
order_fields(struct table *t, const struct csv_row *row)
{
	for (int i = 0; i < t->n; i++) {
		const char *field = NULL;

		if (t->columns[i] >= 0)
			field = row->fields[t->columns[i]];
		if (field && t->form == CSV_TABS && strcmp(field, "\\N") == 0)
			field = NULL;
		t->fields[i] = field;
	}
}

/* Is this a row we can take? */
static bool
take_row(struct table *t, enum csv_event event, const struct csv_row *row)
{
	t->line = row->line;
	t->last = row->last;
	if (t->tally)
		t->tally->read++;
	if (event == CSV_BAD) {
		table_skip(t, "bad line", "%s", row->why);
		table_cause(t, cause_of_row(row));
		return false;
	}
	if (row->count < t->width) {
		table_skip(t, "bad line", "%d fields instead of %d", row->count,
		    t->form == CSV_TABS ? t->header : t->width);
		table_cause(t, row->cut ? "the file is not complete" : NULL);
		return false;
	}
	if (has_more(t, row)) {
		table_skip(t, "bad line", "%d fields instead of %d", row->count,
		    t->header);
		table_cause(t, t->form == CSV_COMMAS ?
				   "a text with commas is not in quotes" :
				   NULL);
		return false;
	}
	order_fields(t, row);
	return true;
}

enum err
table_next(struct table *t, bool *any)
{
	struct csv_row row;
	enum csv_event event;

	*any = false;
	do {
		if (import_stopped(t->im))
			return ERR_UNAVAILABLE;
		event = csv_next(t->csv, &row);
		if (import_stopped(t->im))
			return ERR_UNAVAILABLE;
		if (event == CSV_FAIL)
			return import_fail(t->im, ERR_INVALID,
			    "%s:%ld: %s (lines %ld to %ld)",
			    import_path(t->im, t->file), row.line, row.why,
			    row.line, row.last);
		if (event == CSV_END) {
			progress_end(&t->im->progress);
			talloc_free(t->csv);
			t->csv = NULL;
			return ERR_OK;
		}
	} while (!take_row(t, event, &row));
	*any = true;
	return ERR_OK;
}

static enum err
copy_rows(struct table *t, struct copy *c, table_take *take, void *arg)
{
	TALLOC_CTX *mem = mem_need(talloc_new(t->im->mem));
	bool any;
	enum err e;

	for (;;) {
		e = table_next(t, &any);
		if (!e && any)
			e = take(arg, t, c, mem);
		if (e || !any)
			break;
		talloc_free_children(mem);
	}
	talloc_free(mem);
	return e;
}

enum err
table_copy(struct table *t, enum stmt s, table_take *take, void *arg)
{
	struct import *im = t->im;
	struct copy *c;
	enum err e = copy_begin(im->mem, im->db, s, &c);

	if (e)
		return import_database_failed(im, e);
	e = copy_rows(t, c, take, arg);
	if (e)
		copy_abort(c, "reading failed");
	else
		e = copy_end(c, NULL);
	return e ? import_database_failed(im, e) : ERR_OK;
}
