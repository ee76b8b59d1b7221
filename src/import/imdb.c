/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IMDb's data files: title.basics, title.principals, name.basics and, if a
 * minimum of votes is wanted, title.ratings; tab-separated without quotes, \N
 * for NULL, compressed or not. Titles are filtered while they are read, and
 * credits and names by bitmaps of the numbers that are needed, so that memory
 * does not grow with the files. A year is stored as its first of January, as
 * MovieLens imports do; the years of birth are not imported, because a birthday
 * has a day.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "import/catalogue.h"
#include "import/cause.h"

#define TITLE_MAX    255
#define NAME_MAX     128
#define YEAR_MIN     1800
#define YEAR_MAX     2200
#define POSITION_MAX 999999

struct imdb {
	struct catalogue cat;
	const struct import_filter *filter;
	struct idset *voted; /* titles with enough votes; NULL: all */
};

/* "tt0114709": the number; at most eight digits. */
static bool
read_id(const char *s, const char *prefix, int64_t *out)
{
	return s && s[0] == prefix[0] && s[1] == prefix[1] &&
	       text_is_digits(s + 2) && text_to_int64(s + 2, out) &&
	       *out <= IDSET_MAX;
}

/* As read_id(); else the row is skipped. */
static bool
take_id(struct table *t, int column, const char *prefix, int64_t *out)
{
	const char *s = t->fields[column];

	if (read_id(s, prefix, out))
		return true;
	table_skip(t, "bad id",
	    "\"%.40s\" is not an id %s0000001 to %s%" PRId64, s ? s : "\\N",
	    prefix, prefix, IDSET_MAX);
	table_cause(t, s ? cause_of_value(s) : NULL);
	return false;
}

/* -------------------------------------------------------------- ratings */

static enum err
read_votes(struct imdb *imdb)
{
	static const char *const files[] = { "title.ratings.tsv.gz",
		"title.ratings.tsv" };
	struct table_spec spec = { .form = CSV_TABS,
		.columns = { "tconst", "numVotes" } };
	struct import *im = imdb->cat.im;
	struct table t;
	int64_t id, votes;
	bool any = true;
	enum err e;

	spec.file = import_first(im, files, array_len(files));
	e = table_open(im, &spec, &t);
	if (!e)
		imdb->voted = idset_new(im->mem);
	while (!e) {
		e = table_next(&t, &any);
		if (e || !any)
			break;
		if (!take_id(&t, 0, "tt", &id))
			continue;
		if (!t.fields[1] || !text_is_digits(t.fields[1]) ||
		    !text_to_int64(t.fields[1], &votes)) {
			table_skip(&t, "bad number",
			    "\"%.40s\" is not a number of votes",
			    t.fields[1] ? t.fields[1] : "\\N");
			table_cause(&t,
			    t.fields[1] ? cause_of_value(t.fields[1]) : NULL);
		} else if (votes >= imdb->filter->votes)
			idset_add(imdb->voted, id);
	}
	return e;
}

/* --------------------------------------------------------------- titles */

enum {
	TITLE_ID,
	TITLE_TYPE,
	TITLE_NAME,
	TITLE_ADULT,
	TITLE_YEAR,
	TITLE_GENRES
};

/* 0: unknown. */
static int64_t
read_year(struct table *t)
{
	const char *s = t->fields[TITLE_YEAR];
	int64_t year = 0;

	if (!s)
		return 0;
	if (text_is_digits(s) && text_to_int64(s, &year) && year >= YEAR_MIN &&
	    year <= YEAR_MAX)
		return year;
	table_drop(t, "bad year", "\"%.40s\" is not a year from %d to %d", s,
	    YEAR_MIN, YEAR_MAX);
	table_cause(t, cause_of_value(s));
	return 0;
}

static bool
is_chosen_type(const struct imdb *imdb, const char *type)
{
	char wrapped[32];

	if (!type || strlen(type) + 3 > sizeof wrapped || strchr(type, '|'))
		return false;
	snprintf(wrapped, sizeof wrapped, "|%s|", type);
	return strstr(imdb->filter->types, wrapped) != NULL;
}

/* The option that excludes the title; NULL: none. */
static const char *
excluded_by(const struct imdb *imdb, const struct table *t, int64_t id)
{
	const char *adult = t->fields[TITLE_ADULT];

	if (!is_chosen_type(imdb, t->fields[TITLE_TYPE]))
		return "type";
	if (adult && strcmp(adult, "1") == 0 && !imdb->filter->adult)
		return "adult";
	if (imdb->voted && !idset_has(imdb->voted, id))
		return "votes";
	return NULL;
}

static bool
is_in_years(const struct import_filter *filter, int64_t year)
{
	if (filter->from > 0 && year < filter->from)
		return false;
	return filter->to == 0 || (year > 0 && year <= filter->to);
}

static enum err
copy_title(struct imdb *imdb, struct table *t, struct copy *c, TALLOC_CTX *mem,
    int64_t id)
{
	struct catalogue_movie m = { .number = id, .synopsis = "" };
	struct genre_list genres;
	char date[16];
	int64_t year = read_year(t);

	if (!is_in_years(imdb->filter, year)) {
		table_filter(t, "year");
		return ERR_OK;
	}
	m.title = catalogue_text(t, mem, "title", t->fields[TITLE_NAME]);
	if (!catalogue_name_ok(t, "title", m.title, TITLE_MAX))
		return ERR_OK;
	if (!idset_add(imdb->cat.movies, id)) {
		table_skip(t, "duplicate movie", "%s is there already",
		    t->fields[TITLE_ID]);
		return ERR_OK;
	}
	genre_list_init(&genres, mem, &imdb->cat.genres, t);
	if (t->fields[TITLE_GENRES])
		genre_list_split(&genres, t->fields[TITLE_GENRES], ",");
	m.genres = genre_list_text(&genres);
	m.key = mem_printf(mem, "tt%07" PRId64, id);
	snprintf(date, sizeof date, "%04d-01-01", (int)year);
	m.release_date = year ? date : NULL;
	return catalogue_movie_copy(&imdb->cat, t, c, &m);
}

static enum err
take_title(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct imdb *imdb = arg;
	const char *why;
	int64_t id;

	if (!take_id(t, TITLE_ID, "tt", &id))
		return ERR_OK;
	why = excluded_by(imdb, t, id);
	if (!why)
		return copy_title(imdb, t, c, mem, id);
	table_filter(t, why);
	return ERR_OK;
}

/* -------------------------------------------------------------- credits */

/* true: a credit that is imported; who appears as themselves is an actor. */
static bool
read_category(const char *category, bool *directs)
{
	static const char *const acting[] = { "actor", "actress", "self" };

	*directs = category && strcmp(category, "director") == 0;
	for (size_t i = 0; i < array_len(acting) && category; i++) {
		if (strcmp(category, acting[i]) == 0)
			return true;
	}
	return *directs;
}

static enum err
take_credit(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct imdb *imdb = arg;
	struct catalogue_credit k = { 0 };
	const char *ordering = t->fields[2];

	(void)mem;
	if (!take_id(t, 0, "tt", &k.movie))
		return ERR_OK;
	if (!idset_has(imdb->cat.movies, k.movie)) {
		table_filter(t, "title");
		return ERR_OK;
	}
	if (!read_category(t->fields[3], &k.directs)) {
		table_filter(t, "category");
		return ERR_OK;
	}
	if (!take_id(t, 1, "nm", &k.person.number))
		return ERR_OK;
	if (!ordering || !text_is_digits(ordering) ||
	    !text_to_int64(ordering, &k.position) ||
	    k.position > POSITION_MAX) {
		table_skip(t, "bad number",
		    "\"%.40s\" is not a place from 0 to %d",
		    ordering ? ordering : "\\N", POSITION_MAX);
		table_cause(t, ordering ? cause_of_value(ordering) : NULL);
		return ERR_OK;
	}
	idset_add(imdb->cat.persons, k.person.number);
	return catalogue_credit_copy(&imdb->cat, t, c, &k);
}

/* ---------------------------------------------------------------- names */

static enum err
take_name(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct imdb *imdb = arg;
	struct catalogue_person p = { 0 };

	if (!take_id(t, 0, "nm", &p.number))
		return ERR_OK;
	if (!idset_has(imdb->cat.persons, p.number)) {
		table_filter(t, "no credit");
		return ERR_OK;
	}
	p.name = catalogue_text(t, mem, "name", t->fields[1]);
	if (!catalogue_name_ok(t, "name", p.name, NAME_MAX))
		return ERR_OK;
	idset_remove(imdb->cat.persons, p.number); /* a second line has none */
	p.key = mem_printf(mem, "nm%07" PRId64, p.number);
	return catalogue_person_copy(&imdb->cat, t, c, &p);
}

/* ---------------------------------------------------------------- files */

static enum err
read_file(struct imdb *imdb, const struct table_spec *spec, enum stmt s,
    table_take *take)
{
	struct table t;
	enum err e = table_open(imdb->cat.im, spec, &t);

	return e ? e : table_copy(&t, s, take, imdb);
}

static enum err
read_files(struct imdb *imdb)
{
	static const char *const titles[] = { "title.basics.tsv.gz",
		"title.basics.tsv" };
	static const char *const credits[] = { "title.principals.tsv.gz",
		"title.principals.tsv" };
	static const char *const names[] = { "name.basics.tsv.gz",
		"name.basics.tsv" };
	struct catalogue *cat = &imdb->cat;
	struct table_spec title = { .what = "movies",
		.form = CSV_TABS,
		.columns = { "tconst", "titleType", "primaryTitle", "isAdult",
		    "startYear", "genres" } };
	struct table_spec credit = { .what = "credits",
		.form = CSV_TABS,
		.columns = { "tconst", "nconst", "ordering", "category" } };
	struct table_spec name = { .what = "persons",
		.form = CSV_TABS,
		.columns = { "nconst", "primaryName" } };
	enum err e;

	cat->movie_file = title.file =
	    import_first(cat->im, titles, array_len(titles));
	cat->credit_file = credit.file =
	    import_first(cat->im, credits, array_len(credits));
	cat->person_file = name.file =
	    import_first(cat->im, names, array_len(names));
	e = read_file(imdb, &title, SQL_cat_movie_copy, take_title);
	if (!e)
		e = read_file(imdb, &credit, SQL_cat_credit_copy, take_credit);
	if (!e)
		e = read_file(imdb, &name, SQL_cat_person_copy, take_name);
	cat->credits = report_tally(&cat->im->report, "credits");
	return e;
}

static enum err
import_all(struct import *im)
{
	struct imdb *imdb = mem_new(im->mem, struct imdb);
	enum err e;

	imdb->filter = &im->filter;
	e = catalogue_begin(&imdb->cat, im, "imdb");
	if (!e && im->filter.votes > 0)
		e = read_votes(imdb);
	if (!e)
		e = read_files(imdb);
	return e ? e : catalogue_store(&imdb->cat);
}

enum err
import_imdb(struct import *im)
{
	return import_run(im, import_all);
}
