/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV files by column names.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/mem.h"
#include "import/table.h"

static enum err
read_header(struct table *t, const char *const *names)
{
	struct csv_row row;
	const char *missing;
	enum csv_event event = csv_next(t->csv, &row);

	if (event != CSV_ROW)
		return import_fail(t->im, ERR_INVALID, "%s: no header line: %s",
		    import_path(t->im, t->file),
		    event == CSV_END ? "the file is empty" : row.why);
	if (!csv_columns(&row, names, t->n, t->columns, &missing))
		return import_fail(t->im, ERR_INVALID,
		    "%s:%ld: the header has no column \"%s\"",
		    import_path(t->im, t->file), row.line, missing);
	t->width = 0;
	for (int i = 0; i < t->n; i++) {
		if (t->columns[i] >= t->width)
			t->width = t->columns[i] + 1;
	}
	return ERR_OK;
}

enum err
table_open(struct import *im, const char *file, const char *what,
    const char *const *names, int n, struct table *out)
{
	const char *path = import_path(im, file);
	enum err e;

	assert(n <= TABLE_COLUMNS);
	*out = (struct table){ .im = im, .file = file, .n = n };
	out->csv = csv_open(im->mem, path);
	if (!out->csv)
		return import_fail(
		    im, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	if (what)
		out->tally = report_tally(&im->report, what);
	e = read_header(out, names);
	if (e)
		return e;
	progress_begin(&im->progress, mem_printf(im->mem, "reading %s", file),
	    csv_size(out->csv));
	return ERR_OK;
}

void
table_skip(struct table *t, const char *sort, const char *fmt, ...)
{
	char *why;
	va_list ap;

	if (t->tally)
		t->tally->skipped++;
	va_start(ap, fmt);
	why = mem_need(talloc_vasprintf(t->im->mem, fmt, ap));
	va_end(ap);
	report_skip(&t->im->report, t->file, t->line, sort, "%s", why);
	talloc_free(why);
}

/* Is this a row we can take? Then its fields are put in order. */
static bool
take_row(struct table *t, enum csv_event event, const struct csv_row *row)
{
	t->line = row->line;
	if (t->tally)
		t->tally->read++;
	if (event == CSV_BAD) {
		table_skip(t, "bad line", "%s", row->why);
		return false;
	}
	if (row->count < t->width) {
		table_skip(t, "bad line", "%d fields instead of %d", row->count,
		    t->width);
		return false;
	}
	for (int i = 0; i < t->n; i++)
		t->fields[i] = row->fields[t->columns[i]];
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
		progress_at(&t->im->progress, csv_done(t->csv));
	} while (!take_row(t, event, &row));
	*any = true;
	return ERR_OK;
}
