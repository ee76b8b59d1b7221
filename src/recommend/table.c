/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader parses numbers by hand: files have tens of millions of lines. Ids
 * are numbered in the order of reading, and renumbered at the end, so that the
 * numbers have the order of the ids.
 */
#include "base/base.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "recommend/large.h"
#include "recommend/model.h"
#include "recommend/table.h"

#define LINE_MAX_BYTES 256
#define COLUMNS_MAX    16
#define STARS_MAX      5
#define STOP_LINES     65536

/* Ids to numbers, open addressing. */
struct map {
	int64_t *id; /* by number, in the order of reading */
	uint32_t n;
	uint32_t *slot; /* number + 1; 0: free */
	size_t slots;   /* a power of two */
};

static int
map_free(struct map *m)
{
	free(m->id);
	free(m->slot);
	return 0;
}

static struct map *
map_new(TALLOC_CTX *mem)
{
	struct map *m = mem_new(mem, struct map);

	m->slots = 1024;
	m->id = large_resize(NULL, m->slots, sizeof *m->id);
	m->slot = mem_need(calloc(m->slots, sizeof *m->slot));
	talloc_set_destructor(m, map_free);
	return m;
}

/* The slot of the id, or the free slot for it. */
static size_t
map_place(const struct map *m, int64_t id)
{
	uint64_t hash = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 20) & (m->slots - 1);

	while (m->slot[at] && m->id[m->slot[at] - 1] != id)
		at = (at + 1) & (m->slots - 1);
	return at;
}

static void
map_double(struct map *m)
{
	m->slots *= 2;
	free(m->slot);
	m->slot = mem_need(calloc(m->slots, sizeof *m->slot));
	m->id = large_resize(m->id, m->slots, sizeof *m->id);
	for (uint32_t i = 0; i < m->n; i++)
		m->slot[map_place(m, m->id[i])] = i + 1;
}

static uint32_t
map_number(struct map *m, int64_t id)
{
	size_t at = map_place(m, id);

	if (m->slot[at])
		return m->slot[at] - 1;
	if (m->n + 1 > m->slots / 2) {
		map_double(m);
		at = map_place(m, id);
	}
	m->id[m->n] = id;
	m->slot[at] = ++m->n;
	return m->n - 1;
}

static int
by_id(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint32_t
id_list_find(const struct id_list *names, int64_t id)
{
	size_t place = model_place(names->id, names->n, id);

	return place < names->n ? (uint32_t)place : ID_NONE;
}

/* -------------------------------------------------------------- gathering */

struct gather {
	struct triples *triples;
	struct map *users;
	struct map *items;
};

struct gather *
table_begin(TALLOC_CTX *mem)
{
	struct gather *g = mem_new(mem, struct gather);

	g->triples = triples_new(mem);
	g->users = map_new(g);
	g->items = map_new(g);
	return g;
}

enum err
table_add(
    struct gather *g, int64_t user, int64_t item, float stars, int64_t time)
{
	struct triple t = { .value = stars, .time = time };

	if (g->triples->n == UINT32_MAX - 1)
		return ERR_TOO_LARGE;
	t.user = map_number(g->users, user);
	t.item = map_number(g->items, item);
	triples_add(g->triples, &t);
	return ERR_OK;
}

/* Sorts the ids; returns the new number of each old one (below the map). */
static uint32_t *
sort_ids(TALLOC_CTX *mem, struct map *m, struct id_list *names)
{
	uint32_t *renumber = large_array(m, m->n, sizeof *renumber);

	names->n = m->n;
	names->id = large_array(mem, m->n, sizeof *names->id);
	memcpy(names->id, m->id, m->n * sizeof *names->id);
	qsort(names->id, names->n, sizeof *names->id, by_id);
	for (uint32_t i = 0; i < m->n; i++)
		renumber[i] = id_list_find(names, m->id[i]);
	return renumber;
}

void
table_end(TALLOC_CTX *mem, struct gather *g, struct table *out)
{
	uint32_t *user = sort_ids(mem, g->users, &out->users);
	uint32_t *item = sort_ids(mem, g->items, &out->items);

	out->triples = g->triples;
	for (size_t i = 0; i < out->triples->n; i++) {
		struct triple *one = &out->triples->list[i];

		one->user = user[one->user];
		one->item = item[one->item];
	}
	talloc_free(g);
	triples_settle(out->triples, out->users.n);
}

/* ------------------------------------------------------------------ lines */

enum role { USER, ITEM, RATING, TIME, ROLES, NO_ROLE };

/* The columns of a file, from its header or, without one, the default. */
struct layout {
	enum role role[COLUMNS_MAX];
	int n;
};

static const struct layout default_layout = { { USER, ITEM, RATING, TIME },
	ROLES };

/* The accepted names of each column; case is ignored. */
static const char *const column_names[ROLES] = {
	[USER] = "|user|userid|user_id|",
	[ITEM] = "|item|itemid|item_id|movie|movieid|movie_id|",
	[RATING] = "|rating|stars|",
	[TIME] = "|timestamp|time|",
};

/* A whole number that is the whole field. */
static bool
take_int(const char *s, size_t n, int64_t *out)
{
	char *end;

	if (*s != '-' && (*s < '0' || *s > '9'))
		return false;
	errno = 0;
	*out = strtoll(s, &end, 10);
	return errno == 0 && end == s + n;
}

/* Decimal digits with or without a fraction; no exponent. */
static bool
take_float(const char *s, size_t n, float *out)
{
	size_t sign = *s == '-';
	char *end;

	if (strspn(s + sign, "0123456789.") != n - sign)
		return false;
	*out = strtof(s, &end);
	return end == s + n && n > sign && isfinite(*out);
}

/* NULL, or the error in a field. */
static const char *
take_field(enum role role, const char *s, size_t n, int64_t *user,
    int64_t *item, struct triple *t)
{
	switch (role) {
	case USER:
		return take_int(s, n, user) ? NULL :
					      "the user is not a whole number";
	case ITEM:
		return take_int(s, n, item) ? NULL :
					      "the item is not a whole number";
	case RATING:
		if (!take_float(s, n, &t->value))
			return "the rating is not a number";
		return t->value >= 0 && t->value <= STARS_MAX ?
			   NULL :
			   "the rating is not from 0 to 5; is it another "
			   "column?";
	case TIME:
		return take_int(s, n, &t->time) ?
			   NULL :
			   "the time is not a whole number of seconds";
	default:
		return NULL;
	}
}

/* NULL, or the error in the line. */
static const char *
take_line(const struct layout *l, const char *s, int64_t *user, int64_t *item,
    struct triple *t)
{
	const char *why = NULL;
	int k = 0;

	for (;;) {
		size_t n = strcspn(s, ",");

		if (k == l->n)
			return l->n == ROLES ? "there are more than four "
					       "fields" :
					       "there are more fields than in "
					       "the header";
		why = take_field(l->role[k++], s, n, user, item, t);
		if (why || !s[n])
			break;
		s += n + 1;
	}
	return why || k == l->n ? why : "fields are missing";
}

static enum role
role_named(const char *s, size_t n)
{
	char name[24] = "|";

	if (n > 1 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	while (n > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (n == 0 || n > sizeof name - 3 || memchr(s, '|', n))
		return NO_ROLE;
	for (size_t i = 0; i < n; i++)
		name[i + 1] = (char)(s[i] | (s[i] >= 'A' && s[i] <= 'Z') << 5);
	name[n + 1] = '|';
	for (int role = USER; role < ROLES; role++) {
		if (strstr(column_names[role], name))
			return (enum role)role;
	}
	return NO_ROLE;
}

/* NULL, or why the line is not a header. */
static const char *
take_header(const char *s, struct layout *l)
{
	int seen[ROLES] = { 0 };

	for (l->n = 0;; s++) {
		size_t n = strcspn(s, ",");

		if (l->n == COLUMNS_MAX)
			return "there are too many columns";
		l->role[l->n] = role_named(s, n);
		if (l->role[l->n] < ROLES && seen[l->role[l->n]]++)
			return "the header has a column twice";
		l->n++;
		s += n;
		if (!*s)
			break;
	}
	for (int role = USER; role < ROLES; role++) {
		if (!seen[role])
			return "the first line is neither a rating nor a "
			       "header with the columns user, item, rating "
			       "and timestamp, with commas between";
	}
	return NULL;
}

/* Is the first line a header? *why: it is neither that nor a rating. */
static bool
is_header(char *line, struct layout *l, const char **why)
{
	struct triple t;
	int64_t user, item;

	*why = NULL;
	if (!take_line(&default_layout, line, &user, &item, &t)) {
		*l = default_layout;
		return false;
	}
	*why = take_header(line, l);
	return true;
}

/*
 * Reads a line with its end, as fgets() does, and returns its length, so that a
 * NUL in it is found. 0: the end of the file.
 */
static size_t
next_line(FILE *file, char *line)
{
	size_t n = 0;
	int c;

	while (n < LINE_MAX_BYTES - 1 && (c = getc_unlocked(file)) != EOF) {
		line[n++] = (char)c;
		if (c == '\n')
			break;
	}
	line[n] = '\0';
	return n;
}

/* Removes the end of the line; false: the line is too long. */
static bool
trim(char *line)
{
	size_t n = strlen(line);

	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	else if (n == LINE_MAX_BYTES - 1)
		return false;
	if (n > 0 && line[n - 1] == '\r')
		line[--n] = '\0';
	return true;
}

/* NULL, or the error; *rating: the line is a rating. */
static const char *
parse_line(char *line, long number, struct layout *l, bool *rating,
    int64_t *user, int64_t *item, struct triple *t)
{
	const char *why;

	*rating = false;
	if (number == 1)
		text_cut_mark(line);
	if (number == 1 && (strncmp(line, "\xff\xfe", 2) == 0 ||
			       strncmp(line, "\xfe\xff", 2) == 0))
		return "the file is UTF-16, not UTF-8";
	if (!*line)
		return NULL;
	if (l->n == 0 && is_header(line, l, &why))
		return why;
	*rating = true;
	return take_line(l, line, user, item, t);
}

static enum err
parse_lines(FILE *file, struct gather *g, struct fault *fault,
    const volatile sig_atomic_t *stop)
{
	char line[LINE_MAX_BYTES];
	struct layout layout = { .n = 0 };
	struct triple t = { 0 };
	int64_t user = 0, item = 0;
	bool rating;
	size_t got;

	for (long n = 1; (got = next_line(file, line)) > 0; n++) {
		fault->line = n;
		if (memchr(line, '\0', got))
			fault->why = "there is a NUL byte (UTF-16?)";
		else if (!trim(line))
			fault->why = "the line is too long";
		else
			fault->why = parse_line(
			    line, n, &layout, &rating, &user, &item, &t);
		if (fault->why)
			return ERR_INVALID;
		if (n % STOP_LINES == 0 && stop && *stop)
			return ERR_UNAVAILABLE;
		if (rating && table_add(g, user, item, t.value, t.time)) {
			fault->why = "there are too many ratings";
			return ERR_TOO_LARGE;
		}
	}
	return ERR_OK;
}

static enum err
read_lines(FILE *file, struct gather *g, struct fault *fault,
    const volatile sig_atomic_t *stop)
{
	enum err e = parse_lines(file, g, fault, stop);

	if (e)
		return e;
	fault->line = 0;
	if (ferror(file)) {
		fault->why = strerror(errno);
		return ERR_UNAVAILABLE;
	}
	if (g->triples->n == 0) {
		fault->why = "there is no rating in it";
		return ERR_INVALID;
	}
	return ERR_OK;
}

enum err
table_read(TALLOC_CTX *mem, const char *path, const volatile sig_atomic_t *stop,
    struct table *out, struct fault *fault)
{
	FILE *file = fopen(path, "re");
	struct gather *g;
	enum err e;

	*fault = (struct fault){ 0 };
	if (!file) {
		fault->why = strerror(errno);
		return ERR_NOT_FOUND;
	}
	g = table_begin(mem);
	e = read_lines(file, g, fault, stop);
	fclose(file);
	if (e) {
		talloc_free(g->triples);
		talloc_free(g);
	} else
		table_end(mem, g, out);
	return e;
}

/* ---------------------------------------------------------------- writing */

static void
write_lists(
    FILE *file, const struct table *table, const uint32_t *lists, size_t top)
{
	fputs("user,item,rank\n", file);
	for (uint32_t u = 0; u < table->users.n; u++) {
		const uint32_t *list = lists + u * top;

		for (size_t i = 0; i < top && list[i] != ID_NONE; i++)
			fprintf(file, "%" PRId64 ",%" PRId64 ",%zu\n",
			    table->users.id[u], table->items.id[list[i]],
			    i + 1);
	}
}

enum err
table_write_lists(const char *path, const struct table *table,
    const uint32_t *lists, size_t top)
{
	struct file *file = file_new(NULL, path, 0666);

	if (!file)
		return ERR_FORBIDDEN;
	write_lists(file->to, table, lists, top);
	return file_finish(file) ? ERR_OK : ERR_FORBIDDEN;
}
