/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts and reports.
 */
#include "base/base.h"

#include "base/json.h"
#include "base/mem.h"
#include "import/report.h"

static const char *const kinds[] = { "skipped", "dropped", "adjusted",
	"filtered" };

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

/* ----------------------------------------------------------------- adding */

static struct reason *
reason_of(struct report *r, const struct report_at *at)
{
	struct reason *reason;

	for (int i = 0; i < r->n_reasons; i++) {
		reason = &r->reasons[i];
		if (reason->at.kind == at->kind &&
		    strcmp(reason->at.what, at->what) == 0 &&
		    strcmp(reason->at.file, at->file) == 0)
			return reason;
	}
	r->reasons =
	    mem_grow(r->mem, r->reasons, struct reason, r->n_reasons + 1);
	reason = &r->reasons[r->n_reasons++];
	*reason = (struct reason){ .at = *at };
	reason->at.last = 0;
	return reason;
}

static long
last_line(const struct report_at *at)
{
	return at->last > at->line ? at->last : at->line;
}

void
report_count(struct report *r, const struct report_at *at, long n)
{
	struct reason *reason = reason_of(r, at);

	r->total[at->kind] += n;
	reason->count += n;
	if (at->line < reason->at.line)
		reason->at.line = at->line;
	if (last_line(at) > reason->at.last)
		reason->at.last = last_line(at);
}

/* true if the last message is the same, of this line or the one before. */
static bool
extend_note(struct report *r, const struct report_at *at, const char *why)
{
	struct note *note = &r->notes[r->n_notes > 0 ? r->n_notes - 1 : 0];

	if (r->n_notes == 0 || note->at.kind != at->kind ||
	    at->line < last_line(&note->at) ||
	    at->line > last_line(&note->at) + 1 ||
	    strcmp(note->at.file, at->file) != 0 || strcmp(note->why, why) != 0)
		return false;
	note->at.last = last_line(at);
	note->count++;
	return true;
}

void
report_vadd(
    struct report *r, const struct report_at *at, const char *fmt, va_list ap)
{
	char *why;

	report_count(r, at, 1);
	why = mem_need(talloc_vasprintf(r->mem, fmt, ap));
	if (extend_note(r, at, why) || r->n_notes == REPORT_NOTES) {
		talloc_free(why);
		return;
	}
	r->notes[r->n_notes++] =
	    (struct note){ .at = *at, .count = 1, .why = why };
}

void
report_add(struct report *r, const struct report_at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vadd(r, at, fmt, ap);
	va_end(ap);
}

void
report_skip(struct report *r, const char *file, long line, const char *what,
    const char *fmt, ...)
{
	const struct report_at at = { REPORT_SKIPPED, file, what, line, 0 };
	va_list ap;

	va_start(ap, fmt);
	report_vadd(r, &at, fmt, ap);
	va_end(ap);
}

void
report_drop(struct report *r, const char *file, long line, const char *what,
    const char *fmt, ...)
{
	const struct report_at at = { REPORT_DROPPED, file, what, line, 0 };
	va_list ap;

	va_start(ap, fmt);
	report_vadd(r, &at, fmt, ap);
	va_end(ap);
}

void
report_cause(struct report *r, const char *file, long line, const char *cause)
{
	struct cause *c = r->causes;

	if (!cause)
		return;
	for (int i = 0; i < r->n_causes; i++, c++) {
		if (strcmp(c->file, file) == 0 && strcmp(c->what, cause) == 0) {
			c->count++;
			return;
		}
	}
	if (r->n_causes == REPORT_CAUSES)
		return;
	r->n_causes++;
	*c = (struct cause){
		.file = file, .what = cause, .line = line, .count = 1
	};
}

long
report_faults(const struct report *r)
{
	return r->total[REPORT_SKIPPED] + r->total[REPORT_DROPPED] +
	       r->total[REPORT_ADJUSTED];
}

/* ------------------------------------------------------------------- text */

/* "movies.csv:3", "movies.csv:3-7"; line 0: all of it, "movies.csv". */
static void
print_place(const struct report_at *at, FILE *to)
{
	fputs(at->file, to);
	if (at->line > 0)
		fprintf(to, ":%ld", at->line);
	if (last_line(at) > at->line)
		fprintf(to, "-%ld", last_line(at));
}

void
report_print_notes(const struct report *r, FILE *to)
{
	long more = report_faults(r);

	for (int i = 0; i < r->n_notes; i++) {
		const struct note *note = &r->notes[i];

		print_place(&note->at, to);
		fprintf(to, ": %s: %s\n", kinds[note->at.kind], note->why);
		more -= note->count;
	}
	if (more > 0)
		fprintf(to, "… and %ld more\n", more);
	for (int i = 0; i < r->n_causes; i++) {
		const struct cause *c = &r->causes[i];

		fprintf(to, "%s:%ld: likely cause%s: %s\n", c->file, c->line,
		    c->count > 1 ? " (and of others)" : "", c->what);
	}
}

static long
kept(const struct tally *t)
{
	return t->read - t->added - t->changed - t->skipped - t->filtered;
}

void
report_print(const struct report *r, FILE *to)
{
	bool filters = r->total[REPORT_FILTERED] > 0;

	fprintf(to, "%-18s %10s %10s %10s %10s %10s", "", "read", "added",
	    "changed", "there", "skipped");
	fprintf(to, filters ? " %10s\n" : "\n", "filtered");
	for (int i = 0; i < r->n_tallies; i++) {
		const struct tally *t = &r->tallies[i];

		fprintf(to, "%-18s %10ld %10ld %10ld %10ld %10ld", t->what,
		    t->read, t->added, t->changed, kept(t), t->skipped);
		if (filters)
			fprintf(to, " %10ld", t->filtered);
		fputc('\n', to);
	}
	for (int i = 0; i < r->n_reasons; i++) {
		const struct reason *reason = &r->reasons[i];

		fprintf(to, "%s, %s: %ld (", kinds[reason->at.kind],
		    reason->at.what, reason->count);
		print_place(&reason->at, to);
		fputs(")\n", to);
	}
}

/* ------------------------------------------------------------------- JSON */

static void
named_int(struct json *j, const char *name, int64_t v)
{
	json_key(j, name);
	json_int(j, v);
}

static void
named_text(struct json *j, const char *name, const char *v)
{
	json_key(j, name);
	json_text(j, v);
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
	if (t->filtered > 0)
		named_int(j, "filtered", t->filtered);
	json_object_end(j);
}

static void
note_json(const struct note *note, struct json *j)
{
	json_object(j);
	named_text(j, "file", note->at.file);
	named_int(j, "line", note->at.line);
	if (last_line(&note->at) > note->at.line)
		named_int(j, "last_line", last_line(&note->at));
	named_text(j, "reason", note->why);
	json_object_end(j);
}

/* The sum over all files, at the first one. */
static void
reason_sum(
    const struct report *r, enum report_kind kind, int at, struct json *j)
{
	const char *what = r->reasons[at].at.what;
	long sum = 0;

	for (int i = 0; i < r->n_reasons; i++) {
		const struct reason *reason = &r->reasons[i];

		if (reason->at.kind != kind ||
		    strcmp(reason->at.what, what) != 0)
			continue;
		if (i < at)
			return;
		sum += reason->count;
	}
	named_int(j, what, sum);
}

static void
kind_json(const struct report *r, enum report_kind kind, struct json *j)
{
	json_key(j, kinds[kind]);
	json_object(j);
	named_int(j, "total", r->total[kind]);
	json_key(j, "by_reason");
	json_object(j);
	for (int i = 0; i < r->n_reasons; i++) {
		if (r->reasons[i].at.kind == kind)
			reason_sum(r, kind, i, j);
	}
	json_object_end(j);
	if (kind != REPORT_FILTERED) {
		json_key(j, "first");
		json_list(j);
		for (int i = 0; i < r->n_notes; i++) {
			if (r->notes[i].at.kind == kind)
				note_json(&r->notes[i], j);
		}
		json_list_end(j);
	}
	json_object_end(j);
}

static void
reason_json(const struct reason *reason, struct json *j)
{
	json_object(j);
	named_text(j, "kind", kinds[reason->at.kind]);
	named_text(j, "reason", reason->at.what);
	named_text(j, "file", reason->at.file);
	named_int(j, "first_line", reason->at.line);
	named_int(j, "last_line", last_line(&reason->at));
	named_int(j, "count", reason->count);
	json_object_end(j);
}

static void
cause_json(const struct cause *c, struct json *j)
{
	json_object(j);
	named_text(j, "file", c->file);
	named_int(j, "line", c->line);
	named_int(j, "count", c->count);
	named_text(j, "cause", c->what);
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
	for (int kind = 0; kind < REPORT_KINDS; kind++)
		kind_json(r, (enum report_kind)kind, j);
	json_key(j, "reasons");
	json_list(j);
	for (int i = 0; i < r->n_reasons; i++)
		reason_json(&r->reasons[i], j);
	json_list_end(j);
	json_key(j, "causes");
	json_list(j);
	for (int i = 0; i < r->n_causes; i++)
		cause_json(&r->causes[i], j);
	json_list_end(j);
}
