/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of mxmctl export (sql/site.sql), into an empty site. They were
 * written by this program, so a line that does not fit is an error, and nothing
 * is imported.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "db/copy.h"
#include "db/query.h"
#include "http/jsonscan.h"
#include "import/csv.h"
#include "import/import.h"
#include "import/record.h"
#include "import/site.h"

const struct site_kind site_kinds[] = {
	{ "persons", SQL_site_persons },
	{ "genres", SQL_site_genres },
	{ "platforms", SQL_site_platforms },
	{ "awards", SQL_site_awards },
	{ "movies", SQL_site_movies },
	{ "accounts", SQL_site_accounts },
	{ "sign_ins", SQL_site_sign_ins },
	{ "own_platforms", SQL_site_own_platforms },
	{ "follows", SQL_site_follows },
	{ "marks", SQL_site_marks },
	{ "friendships", SQL_site_friendships },
	{ "requests", SQL_site_requests },
	{ "ratings", SQL_site_ratings },
	{ "reviews", SQL_site_reviews },
	{ "comments", SQL_site_comments },
	{ "reactions", SQL_site_reactions },
	{ "lists", SQL_site_lists },
	{ "list_movies", SQL_site_list_movies },
	{ "trending", SQL_site_trending },
	{ "translations", SQL_site_translations },
	{ "audit", SQL_site_audit },
	{ NULL, 0 },
};

/* The number of lines by the manifest; -1: the file is not part of it. */
static int64_t
lines_of(struct json_object *manifest, const char *kind)
{
	struct json_object *lines, *n;

	if (!json_object_object_get_ex(manifest, "lines", &lines) ||
	    !json_object_object_get_ex(lines, kind, &n))
		return -1;
	return json_object_get_int64(n);
}

static int64_t
number(struct json_object *manifest, const char *name)
{
	struct json_object *n;

	if (!json_object_object_get_ex(manifest, name, &n))
		return 0;
	return json_object_get_int64(n);
}

static enum err
read_manifest(struct import *im, struct json_object **out)
{
	const char *path = import_path(im, SITE_MANIFEST), *why = NULL;
	struct csv *c = csv_open(im->mem, path, CSV_LINES);
	struct csv_row line;
	struct row row;
	enum err e;

	if (!c)
		return import_fail(im, ERR_NOT_FOUND,
		    "%s: %s; the export is incomplete", path, strerror(errno));
	if (csv_next(c, &line) == CSV_ROW)
		*out = record_parse(
		    im->mem, line.fields[0], strlen(line.fields[0]), &why);
	if (!*out || !record_text(*out, "program") ||
	    strcmp(record_text(*out, "program"), "moviesxmovies") != 0 ||
	    number(*out, "format") != SITE_FORMAT)
		return import_fail(im, ERR_INVALID,
		    "%s: not the manifest of an export that this version reads",
		    path);
	e = query_one(im->mem, im->db, &row, SQL_site_schema, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	if (number(*out, "schema") > row_id(&row, "number"))
		return import_fail(im, ERR_INVALID,
		    "%s: the export is of a newer version; install it first",
		    path);
	return ERR_OK;
}

/* Whether a line is an object. Not parsed: a tree has many times its size. */
static bool
is_object(const char *line, size_t n, struct jsonscan *scan)
{
	return jsonscan_most(line, n, SIZE_MAX, scan) &&
	       line[strspn(line, " \t\r")] == '{';
}

/* Copies the lines of a file; all must be valid. */
static enum err
copy_lines(struct import *im, const char *kind, struct csv *c, struct copy *to,
    int64_t *lines)
{
	TALLOC_CTX *mem = mem_need(talloc_new(im->mem)); /* of a line */
	enum csv_event event = CSV_END;
	struct jsonscan scan;
	struct csv_row row;
	enum err e = ERR_OK;

	for (*lines = 0; !e && (event = csv_next(c, &row)) == CSV_ROW;
	     ++*lines) {
		if (!is_object(row.fields[0], strlen(row.fields[0]), &scan))
			e = import_fail(im, ERR_INVALID,
			    "%s.jsonl:%ld: not a JSON object (character %zu)",
			    kind, row.line, scan.at + 1);
		else
			e = copy_row(to,
			    (const char *[]){ kind,
				mem_printf(mem, "%ld", row.line),
				row.fields[0] },
			    3);
		talloc_free_children(mem);
	}
	talloc_free(mem);
	if (!e && event != CSV_END)
		e = import_fail(im,
		    import_stopped(im) ? ERR_UNAVAILABLE : ERR_INVALID,
		    "%s.jsonl:%ld: %s", kind, row.line, row.why);
	return e;
}

static enum err
read_kind(struct import *im, const char *kind, int64_t wanted, struct copy *to)
{
	const char *path =
	    import_path(im, mem_printf(im->mem, "%s.jsonl", kind));
	struct csv *c = csv_open(im->mem, path, CSV_LINES);
	int64_t lines;
	enum err e;

	if (!c)
		return import_fail(
		    im, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	csv_interrupt(c, im->stop);
	csv_limit(c, SITE_LINE_MAX, SITE_LINE_TOO_LONG);
	progress_begin(&im->progress, kind, csv_size(c));
	csv_show(c, &im->progress);
	e = copy_lines(im, kind, c, to, &lines);
	progress_end(&im->progress);
	talloc_free(c);
	if (!e && lines != wanted)
		e = import_fail(im, ERR_INVALID,
		    "%s: has %" PRId64 " lines, not %" PRId64
		    " as the manifest says",
		    path, lines, wanted);
	if (!e)
		report_tally(&im->report, kind)->read = (long)lines;
	return e;
}

static enum err
read_files(struct import *im, struct json_object *manifest)
{
	struct copy *to;
	enum err e = import_exec(im, SQL_site_line_stage, NULL);

	if (e)
		return e;
	e = copy_begin(im->mem, im->db, SQL_site_line_copy, &to);
	if (e)
		return import_database_failed(im, e);
	for (const struct site_kind *k = site_kinds; !e && k->name; k++)
		if (lines_of(manifest, k->name) >= 0)
			e = read_kind(
			    im, k->name, lines_of(manifest, k->name), to);
	if (e)
		copy_abort(to, "reading failed");
	else
		e = copy_end(to, NULL);
	if (!e)
		e = import_exec(im, SQL_site_line_index, NULL);
	if (!e)
		e = import_exec(im, SQL_site_line_analyze, NULL);
	return e ? import_database_failed(im, e) : ERR_OK;
}

/* What site_load leaves out, and the pictures that it replaces. */
static enum err
report_values(struct import *im, const char *kind)
{
	const char *file = mem_printf(im->mem, "%s.jsonl", kind);
	const struct report_at unknown = { REPORT_DROPPED, file,
		"unknown member", 0, 0 };
	const struct report_at picture = { REPORT_ADJUSTED, file,
		"picture path", 0, 0 };
	enum err e = import_faults(im, SQL_site_unknown, &unknown, NULL);

	return e ? e : import_faults(im, SQL_site_pictures, &picture, NULL);
}

/* What the database refuses is an error in the files. */
static enum err
load_kind(struct import *im, const char *kind)
{
	struct tally *tally = report_tally(&im->report, kind);
	struct row row;
	enum err e;

	e = query_one(im->mem, im->db, &row, SQL_site_kind, arg_text(kind));
	if (!e)
		e = query_script(im->mem, im->db, SQL_site_load);
	if (!e)
		e = query_one(im->mem, im->db, &row, SQL_site_fault, NO_ARGS);
	if (!e && row_text(&row, "fault"))
		return import_fail(im, ERR_INVALID, "%s.jsonl:%s", kind,
		    row_text(&row, "fault"));
	tally->added = tally->read;
	if (!e)
		return report_values(im, kind);
	if (e == ERR_UNAVAILABLE)
		return import_database_failed(im, e);
	return import_fail(im, ERR_INVALID, "%s.jsonl does not fit: %s", kind,
	    db_error(im->db));
}

static enum err
load_all(struct import *im)
{
	int n = 0;
	enum err e = ERR_OK;

	while (site_kinds[n].name)
		n++;
	progress_begin(&im->progress, "storing", n);
	for (int i = 0; !e && i < n; i++) {
		if (import_stopped(im))
			return ERR_UNAVAILABLE;
		e = load_kind(im, site_kinds[i].name);
		progress_at(&im->progress, i + 1);
	}
	progress_end(&im->progress);
	if (!e && !im->dry_run)
		e = import_exec(im, SQL_import_settle, NULL);
	return e ? e : import_exec(im, SQL_import_analyze, NULL);
}

static enum err
import_all(struct import *im)
{
	struct json_object *manifest = NULL;
	struct row row;
	enum err e;

	e = query_one(im->mem, im->db, &row, SQL_site_is_empty, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	if (!row_bool(&row, "is_empty"))
		return import_fail(im, ERR_INVALID,
		    "the site is not empty; import into a new database");
	e = read_manifest(im, &manifest);
	if (!e)
		e = read_files(im, manifest);
	return e ? e : load_all(im);
}

enum err
import_site(struct import *im)
{
	return import_run(im, import_all);
}
