/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader takes numbers apart by hand: files have tens of millions of
 * lines. Ids are numbered as they come, and once more when all are known, so
 * that the numbers rise with the ids.
 */
#include "base/base.h"

#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "recommend/large.h"
#include "recommend/model.h"
#include "recommend/table.h"

#define LINE_MAX_BYTES 256
#define STOP_LINES     65536

/* Ids to numbers, open addressing. */
struct map {
	int64_t *id; /* by number, in the order of coming */
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

/* Where the id stands, or the free slot where it would. */
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
names_find(const struct names *names, int64_t id)
{
	size_t place = model_place(names->id, names->n, id);

	return place < names->n ? (uint32_t)place : NAMES_NONE;
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

/* Sorted names, and the new number of each old one (below the map). */
static uint32_t *
settle_names(TALLOC_CTX *mem, struct map *m, struct names *names)
{
	uint32_t *renumber = large_array(m, m->n, sizeof *renumber);

	names->n = m->n;
	names->id = large_array(mem, m->n, sizeof *names->id);
	memcpy(names->id, m->id, m->n * sizeof *names->id);
	qsort(names->id, names->n, sizeof *names->id, by_id);
	for (uint32_t i = 0; i < m->n; i++)
		renumber[i] = names_find(names, m->id[i]);
	return renumber;
}

void
table_end(TALLOC_CTX *mem, struct gather *g, struct table *out)
{
	uint32_t *user = settle_names(mem, g->users, &out->users);
	uint32_t *item = settle_names(mem, g->items, &out->items);

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

/* A whole number up to the comma or the end; moves *s behind the comma. */
static bool
take_int(const char **s, int64_t *out)
{
	char *end;

	if (**s != '-' && (**s < '0' || **s > '9'))
		return false;
	errno = 0;
	*out = strtoll(*s, &end, 10);
	if (errno != 0 || end == *s || (*end != ',' && *end != '\0'))
		return false;
	*s = *end ? end + 1 : end;
	return true;
}

static bool
take_float(const char **s, float *out)
{
	char *end;

	if (**s != '-' && **s != '.' && (**s < '0' || **s > '9'))
		return false;
	*out = strtof(*s, &end);
	if (end == *s || *end != ',' || !isfinite(*out))
		return false;
	*s = end + 1;
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *
take_line(const char *s, int64_t *user, int64_t *item, struct triple *t)
{
	if (!take_int(&s, user))
		return "the user is no whole number";
	if (!take_int(&s, item))
		return "the item is no whole number";
	if (!take_float(&s, &t->value))
		return "the rating is no number, or nothing follows it";
	if (!take_int(&s, &t->time))
		return "the time is no whole number of seconds";
	return *s ? "there are more than four fields" : NULL;
}

/* Cuts the line's end off; false: it is too long to be one. */
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

static bool
is_header(const char *line, long number)
{
	return number == 1 && (line[0] < '0' || line[0] > '9') &&
	       line[0] != '-';
}

static enum err
read_lines(FILE *file, struct gather *g, struct fault *fault,
    const volatile sig_atomic_t *stop)
{
	char line[LINE_MAX_BYTES];
	struct triple t = { 0 };
	int64_t user, item;

	for (long n = 1; fgets(line, sizeof line, file); n++) {
		fault->line = n;
		if (!trim(line))
			fault->why = "the line is too long";
		else if (!*line || is_header(line, n))
			continue;
		else
			fault->why = take_line(line, &user, &item, &t);
		if (fault->why)
			return ERR_INVALID;
		if (n % STOP_LINES == 0 && stop && *stop)
			return ERR_UNAVAILABLE;
		if (table_add(g, user, item, t.value, t.time)) {
			fault->why = "there are too many ratings";
			return ERR_TOO_LARGE;
		}
	}
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

static bool
write_lists(
    FILE *file, const struct table *table, const uint32_t *lists, size_t top)
{
	fputs("user,item,rank\n", file);
	for (uint32_t u = 0; u < table->users.n; u++) {
		const uint32_t *list = lists + u * top;

		for (size_t i = 0; i < top && list[i] != NAMES_NONE; i++)
			fprintf(file, "%" PRId64 ",%" PRId64 ",%zu\n",
			    table->users.id[u], table->items.id[list[i]],
			    i + 1);
	}
	return fflush(file) == 0 && !ferror(file);
}

enum err
table_write_lists(const char *path, const struct table *table,
    const uint32_t *lists, size_t top)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	char *half = mem_printf(mem, "%s.%ld.tmp", path, (long)getpid());
	FILE *file = fopen(half, "wex");
	bool good = file && write_lists(file, table, lists, top);
	int why = errno;

	if (file) {
		good = good && fsync(fileno(file)) == 0;
		if (!good)
			why = errno;
		good = fclose(file) == 0 && good;
		good = good && rename(half, path) == 0;
		if (!good) {
			why = why ? why : errno;
			(void)unlink(half);
		}
	}
	talloc_free(mem);
	errno = why;
	return good ? ERR_OK : ERR_FORBIDDEN;
}
