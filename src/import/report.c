/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts and reports.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/json.h"
#include "base/mem.h"
#include "import/report.h"

void
report_init(struct report *r, TALLOC_CTX *mem)
{
	memset(r, 0, sizeof *r);
	r->mem = mem;
}

struct tally *
report_tally(struct report *r, const char *what)
{
	for (int i = 0; i < r->n_tallies; i++) {
		if (strcmp(r->tallies[i].what, what) == 0)
			return &r->tallies[i];
	}
	assert(r->n_tallies < REPORT_TALLIES);
	r->tallies[r->n_tallies].what = what;
	return &r->tallies[r->n_tallies++];
}

void
report_skip_more(struct report *r, const char *sort, long n)
{
	int i = 0;

	r->skipped += n;
	while (i < r->n_reasons && strcmp(r->reasons[i].what, sort) != 0)
		i++;
	if (i == r->n_reasons) {
		assert(r->n_reasons < REPORT_REASONS);
		r->reasons[r->n_reasons++].what = sort;
	}
	r->reasons[i].count += n;
}

void
report_skip(struct report *r, const char *file, long line, const char *sort,
    const char *fmt, ...)
{
	struct skip *skip;
	va_list ap;

	report_skip_more(r, sort, 1);
	if (r->n_skips == REPORT_SKIPS)
		return;
	skip = &r->skips[r->n_skips++];
	skip->file = file;
	skip->line = line;
	va_start(ap, fmt);
	skip->why = mem_need(talloc_vasprintf(r->mem, fmt, ap));
	va_end(ap);
}

void
report_print_skips(const struct report *r, FILE *to)
{
	for (int i = 0; i < r->n_skips; i++)
		fprintf(to, "%s:%ld: skipped: %s\n", r->skips[i].file,
		    r->skips[i].line, r->skips[i].why);
	if (r->skipped > r->n_skips)
		fprintf(to, "… and %ld more\n", r->skipped - r->n_skips);
}

static long
kept(const struct tally *t)
{
	return t->read - t->added - t->changed - t->skipped;
}

void
report_print(const struct report *r, FILE *to)
{
	fprintf(to, "%-18s %10s %10s %10s %10s %10s\n", "", "read", "added",
	    "changed", "there", "skipped");
	for (int i = 0; i < r->n_tallies; i++) {
		const struct tally *t = &r->tallies[i];

		fprintf(to, "%-18s %10ld %10ld %10ld %10ld %10ld\n", t->what,
		    t->read, t->added, t->changed, kept(t), t->skipped);
	}
	for (int i = 0; i < r->n_reasons; i++)
		fprintf(to, "skipped, %s: %ld\n", r->reasons[i].what,
		    r->reasons[i].count);
}

static void
named_int(struct json *j, const char *name, int64_t v)
{
	json_key(j, name);
	json_int(j, v);
}

static void
tally_json(const struct tally *t, struct json *j)
{
	json_key(j, t->what);
	json_object(j);
	named_int(j, "read", t->read);
	named_int(j, "added", t->added);
	named_int(j, "changed", t->changed);
	named_int(j, "there", kept(t));
	named_int(j, "skipped", t->skipped);
	json_object_end(j);
}

static void
skip_json(const struct skip *s, struct json *j)
{
	json_object(j);
	json_key(j, "file");
	json_text(j, s->file);
	named_int(j, "line", s->line);
	json_key(j, "reason");
	json_text(j, s->why);
	json_object_end(j);
}

void
report_json(const struct report *r, struct json *j)
{
	json_key(j, "counts");
	json_object(j);
	for (int i = 0; i < r->n_tallies; i++)
		tally_json(&r->tallies[i], j);
	json_object_end(j);
	json_key(j, "skipped");
	json_object(j);
	named_int(j, "total", r->skipped);
	json_key(j, "by_reason");
	json_object(j);
	for (int i = 0; i < r->n_reasons; i++)
		named_int(j, r->reasons[i].what, r->reasons[i].count);
	json_object_end(j);
	json_key(j, "first");
	json_list(j);
	for (int i = 0; i < r->n_skips; i++)
		skip_json(&r->skips[i], j);
	json_list_end(j);
	json_object_end(j);
}
