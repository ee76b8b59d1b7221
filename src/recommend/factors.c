/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Factors as files. Rows are read in the order of the files and sorted at the
 * end; the position of each row is stored for the error about a duplicate.
 */
#include "base/base.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "recommend/factors.h"
#include "recommend/large.h"

#define LINE_BYTES ((size_t)64 * 1024)
#define STOP_LINES 1024

static const char no_list[] =
    "one object per line is expected, not a list of all of them";

/* The position of a row. */
struct place {
	int64_t id;
	uint32_t row;
	uint32_t file;
	long line;
};

struct reader {
	TALLOC_CTX *mem;
	const struct factors_input *in;
	struct factors_fault *fault;
	const char **files;
	uint32_t n_files;
	/* the current file */
	FILE *file;
	uint32_t number;
	long line;
	enum factors_format format;
	char text[LINE_BYTES];
	int64_t bytes; /* of all files */
	/* the rows so far */
	unsigned width; /* 0: no row yet */
	uint32_t n;
	size_t room;
	struct place *place;
	float *value;
	float row[FACTORS_MAX]; /* of the current line */
	unsigned got;
};

static int
reader_free(struct reader *r)
{
	if (r->file)
		fclose(r->file);
	free(r->place);
	free(r->value);
	return 0;
}

/* ---------------------------------------------------------------- numbers */

static void
skip_blanks(const char **s)
{
	while (**s == ' ' || **s == '\t')
		(*s)++;
}

/* Characters of a number: no hexadecimal, no "inf", no "nan". */
static bool
is_of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' ||
	       c == 'e' || c == 'E';
}

/* The length of a number, after skipping blanks; 0: there is none. */
static size_t
number_length(const char **s)
{
	size_t n = 0;

	skip_blanks(s);
	while (is_of_number((*s)[n]))
		n++;
	return n;
}

static const char *
take_id(const char **s, int64_t *out)
{
	size_t n = number_length(s);
	char *end;

	errno = 0;
	*out = n > 0 ? strtoll(*s, &end, 10) : 0;
	if (n == 0 || errno != 0 || end != *s + n)
		return "the id is not a whole number";
	*s = end;
	skip_blanks(s);
	return NULL;
}

static const char *
take_factor(struct reader *r, const char **s)
{
	size_t n = number_length(s);
	char *end;
	float value;

	if (r->got == FACTORS_MAX)
		return "there are too many factors";
	value = n > 0 ? strtof(*s, &end) : NAN;
	if (n == 0 || end != *s + n || !isfinite(value))
		return "a factor is not a number";
	r->row[r->got++] = value;
	*s = end;
	skip_blanks(s);
	return NULL;
}

/* ------------------------------------------------------------------ lines */

/* "id,f1,f2,…" */
static const char *
take_csv(struct reader *r, int64_t *id)
{
	const char *s = r->text;
	const char *why = take_id(&s, id);

	while (!why && *s == ',') {
		s++;
		why = take_factor(r, &s);
	}
	if (!why && *s)
		why = "comma-separated numbers are expected";
	return why;
}

/* One punctuation character of JSON, with blanks around it. */
static bool
take_mark(const char **s, char mark)
{
	skip_blanks(s);
	if (**s != mark)
		return false;
	(*s)++;
	skip_blanks(s);
	return true;
}

static const char *
take_features(struct reader *r, const char **s)
{
	const char *why = NULL;

	if (!take_mark(s, '['))
		return "the features are not a list";
	if (take_mark(s, ']'))
		return NULL;
	do
		why = take_factor(r, s);
	while (!why && take_mark(s, ','));
	if (!why && !take_mark(s, ']'))
		why = "the list of features does not end";
	return why;
}

static bool
take_key(const char **s, const char *quoted)
{
	size_t n = strlen(quoted);

	if (strncmp(*s, quoted, n) != 0)
		return false;
	*s += n;
	return take_mark(s, ':');
}

/* {"id": 1, "features": [f1, f2, …]}, in any order, no other key. */
static const char *
take_json(struct reader *r, int64_t *id)
{
	const char *s = r->text, *why = NULL;
	bool has_id = false, has_features = false;

	if (!take_mark(&s, '{'))
		return *s == '[' ? no_list : "one object per line is expected";
	do {
		if (!has_id && take_key(&s, "\"id\"")) {
			has_id = true;
			why = take_id(&s, id);
		} else if (!has_features && take_key(&s, "\"features\"")) {
			has_features = true;
			why = take_features(r, &s);
		} else {
			why = "\"id\" and \"features\" are expected, once each";
		}
	} while (!why && take_mark(&s, ','));
	if (why)
		return why;
	if (!has_id || !has_features)
		return "\"id\" and \"features\" are expected, once each";
	return take_mark(&s, '}') && !*s ? NULL : "the object does not end";
}

/* 1: the next line, without its end; 0: the end, or *why is the error. */
static int
next_line(struct reader *r, const char **why)
{
	size_t n = 0;
	int c;

	r->line++;
	while ((c = getc_unlocked(r->file)) != EOF && c != '\n') {
		if (c == '\0')
			*why = "there is a NUL byte";
		else if (n == LINE_BYTES - 1)
			*why = r->text[0] == '[' ? no_list :
						   "the line is too long";
		if (*why)
			return 0;
		r->text[n++] = (char)c;
	}
	r->bytes += (int64_t)n + 1;
	if (c == EOF && n == 0)
		return 0;
	while (n > 0 && (r->text[n - 1] == '\r' || r->text[n - 1] == ' '))
		n--;
	r->text[n] = '\0';
	if (r->line == 1 && strncmp(r->text, "\xef\xbb\xbf", 3) == 0)
		memmove(r->text, r->text + 3, n - 2);
	return 1;
}

static bool
is_header(const struct reader *r)
{
	char c = r->text[0];

	return r->line == 1 && r->format == FACTORS_CSV && c != '-' &&
	       c != '[' && c != '{' && (c < '0' || c > '9');
}

static const char *
keep_row(struct reader *r, int64_t id)
{
	if (r->got == 0)
		return "there are no factors";
	if (r->width == 0)
		r->width = r->got;
	if (r->got != r->width)
		return mem_printf(r->mem,
		    "%u factors, where the rows before have %u", r->got,
		    r->width);
	if (r->n == UINT32_MAX - 1)
		return "there are too many rows";
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->place = large_resize(r->place, r->room, sizeof *r->place);
		r->value = large_resize(
		    r->value, r->room * r->width, sizeof *r->value);
	}
	memcpy(r->value + (size_t)r->n * r->width, r->row,
	    r->width * sizeof *r->row);
	r->place[r->n] = (struct place){ id, r->n, r->number, r->line };
	r->n++;
	return NULL;
}

static const char *
take_line(struct reader *r)
{
	char first = r->text[strspn(r->text, " \t")];
	const char *why;
	int64_t id = 0;

	if (r->format == FACTORS_GUESS)
		r->format =
		    first == '{' || first == '[' ? FACTORS_JSON : FACTORS_CSV;
	if (is_header(r))
		return NULL;
	r->got = 0;
	why = r->format == FACTORS_JSON ? take_json(r, &id) : take_csv(r, &id);
	return why ? why : keep_row(r, id);
}

/* ------------------------------------------------------------------ files */

static enum err
fail(struct reader *r, enum err e, const char *file, long line, const char *why)
{
	*r->fault = (struct factors_fault){ .file = mem_text(r->mem, file),
		.line = line,
		.why = mem_text(r->mem, why) };
	return e;
}

static enum err
read_lines(struct reader *r, const char *path)
{
	const struct factors_input *in = r->in;
	const char *why = NULL;

	while (!why && next_line(r, &why)) {
		if (r->line == 1)
			text_cut_mark(r->text);
		if (r->text[0])
			why = take_line(r);
		if (why || r->line % STOP_LINES != 0)
			continue;
		if (in->stop && *in->stop)
			return fail(r, ERR_UNAVAILABLE, path, 0, "interrupted");
		if (in->report)
			in->report(in->report_arg, r->bytes);
	}
	if (why)
		return fail(r, ERR_INVALID, path, r->line, why);
	if (ferror(r->file))
		return fail(r, ERR_UNAVAILABLE, path, 0, strerror(errno));
	return ERR_OK;
}

static enum err
read_file(struct reader *r, uint32_t number)
{
	const char *path = r->files[number];
	enum err e;

	r->file = fopen(path, "re");
	if (!r->file)
		return fail(r, ERR_NOT_FOUND, path, 0, strerror(errno));
	r->number = number;
	r->line = 0;
	r->format = r->in->format;
	e = read_lines(r, path);
	fclose(r->file);
	r->file = NULL;
	return e;
}

static bool
ends_in(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n >= m && strcmp(name + n - m, ending) == 0;
}

static int
is_part(const struct dirent *entry)
{
	return strncmp(entry->d_name, "part-", 5) == 0 &&
	       !ends_in(entry->d_name, ".crc");
}

/* Stores the paths of the parts in r->files, sorted by name. */
static enum err
list_folder(struct reader *r, const char *folder)
{
	struct dirent **list;
	int n = scandir(folder, &list, is_part, alphasort);
	const char *packed = NULL;

	if (n < 0)
		return fail(r, ERR_NOT_FOUND, folder, 0, strerror(errno));
	r->files = mem_array(r, const char *, (size_t)n + 1);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		const char *path = mem_printf(r->mem, "%s/%s", folder, name);

		if (!ends_in(name, ".json") && !ends_in(name, ".csv"))
			packed = path;
		r->files[r->n_files++] = path;
		free(list[i]);
	}
	free(list);
	if (packed)
		return fail(r, ERR_INVALID, packed, 0,
		    "neither .json nor .csv; decompress it first");
	if (n == 0)
		return fail(
		    r, ERR_INVALID, folder, 0, "there is no part-*.json in it");
	return ERR_OK;
}

static enum err
list_files(struct reader *r)
{
	const char *path = r->in->path;
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(r, ERR_NOT_FOUND, path, 0, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return list_folder(r, path);
	r->files = mem_array(r, const char *, 1);
	r->files[r->n_files++] = path;
	return ERR_OK;
}

int64_t
factors_size(const char *path)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct reader *r = mem_new(mem, struct reader);
	struct factors_fault fault;
	const struct factors_input in = { .path = path };
	struct stat st;
	int64_t size = 0;

	r->mem = mem;
	r->in = &in;
	r->fault = &fault;
	if (!list_files(r)) {
		for (uint32_t i = 0; i < r->n_files; i++)
			size += stat(r->files[i], &st) == 0 ? st.st_size : 0;
	}
	talloc_free(mem);
	return size;
}

/* ---------------------------------------------------------------- sorting */

static int
by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static enum err
settle(struct reader *r, struct factors *out)
{
	if (r->n == 0)
		return fail(r, ERR_INVALID, r->in->path, 0,
		    "there are no factors in it");
	qsort(r->place, r->n, sizeof *r->place, by_id);
	for (uint32_t i = 1; i < r->n; i++) {
		const struct place *p = &r->place[i], *q = &r->place[i - 1];

		if (p->id == q->id)
			return fail(r, ERR_INVALID, r->files[p->file], p->line,
			    mem_printf(r,
				"id %" PRId64 " is a duplicate of %s:%ld",
				p->id, r->files[q->file], q->line));
	}
	out->width = r->width;
	out->n = r->n;
	out->id = large_array(r->mem, r->n, sizeof *out->id);
	out->row =
	    large_array(r->mem, (size_t)r->n * r->width, sizeof *out->row);
	for (size_t i = 0; i < r->n; i++) {
		out->id[i] = r->place[i].id;
		memcpy(out->row + i * r->width,
		    r->value + (size_t)r->place[i].row * r->width,
		    r->width * sizeof *out->row);
	}
	return ERR_OK;
}

enum err
factors_read(TALLOC_CTX *mem, const struct factors_input *in,
    struct factors *out, struct factors_fault *fault)
{
	struct reader *r = mem_new(mem, struct reader);
	enum err e;

	*fault = (struct factors_fault){ 0 };
	r->mem = mem;
	r->in = in;
	r->fault = fault;
	talloc_set_destructor(r, reader_free);
	e = list_files(r);
	for (uint32_t i = 0; !e && i < r->n_files; i++)
		e = read_file(r, i);
	if (!e)
		e = settle(r, out);
	talloc_free(r);
	return e;
}

struct model *
factors_model(TALLOC_CTX *mem, const struct factors *f, const struct model *how)
{
	struct model *m = model_new(mem, f->n, f->width);

	m->regularization = how->regularization;
	m->unobserved = how->unobserved;
	m->taste = how->taste;
	m->id = large_array(m, f->n, sizeof *m->id);
	memcpy(m->id, f->id, f->n * sizeof *m->id);
	for (size_t i = 0; i < f->n; i++)
		memcpy(m->item + i * m->stride, f->row + i * f->width,
		    f->width * sizeof *m->item);
	model_prepare(m);
	return m;
}

/* ---------------------------------------------------------------- writing */

void
factors_put_head(FILE *to, enum factors_format format, unsigned width)
{
	if (format == FACTORS_JSON)
		return;
	fputs("id", to);
	for (unsigned i = 1; i <= width; i++)
		fprintf(to, ",f%u", i);
	fputc('\n', to);
}

void
factors_put(FILE *to, enum factors_format format, int64_t id, const float *row,
    unsigned width)
{
	bool json = format == FACTORS_JSON;

	fprintf(
	    to, json ? "{\"id\":%" PRId64 ",\"features\":[" : "%" PRId64, id);
	for (unsigned i = 0; i < width; i++)
		fprintf(to, json && i == 0 ? "%.9g" : ",%.9g", (double)row[i]);
	fputs(json ? "]}\n" : "\n", to);
}
