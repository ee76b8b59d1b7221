/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TMDB's pair of CSV files: movies, with genres as JSON in a field, and
 * credits, with cast and crew as JSON. Memory is bounded by the longest record.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "base/text.h"
#include "import/catalogue.h"
#include "import/cause.h"
#include "import/record.h"

#define TITLE_MAX    255
#define NAME_MAX     128
#define POSITION_MAX 999999

struct tmdb {
	struct catalogue cat;
	struct idset *credited; /* movies that have had a line of credits */
};

/* A positive number, else the row is skipped. */
static bool
take_id(struct table *t, int64_t *out)
{
	const char *s = t->fields[0];

	if (text_is_digits(s) && text_to_int64(s, out) && *out > 0 &&
	    *out <= IDSET_MAX)
		return true;
	table_skip(t, "bad id", "\"%.40s\" is not an id from 1 to %" PRId64, s,
	    IDSET_MAX);
	table_cause(t, cause_of_value(s));
	return false;
}

static void
bad_value(struct table *t, const char *what, const char *value, const char *why)
{
	table_drop(t, what, "\"%.40s\" %s", value, why);
	table_cause(t, cause_of_value(value));
}

/* A list of a field, which lives as long as `mem`; NULL: it is none. */
static struct json_object *
read_list(struct table *t, TALLOC_CTX *mem, int column, const char *field)
{
	const char *text = t->fields[column], *why;
	struct json_object *list;

	if (text_is_blank(text))
		return NULL;
	list = record_parse_list(mem, text, strlen(text), &why);
	if (!list) {
		table_drop(t, "bad list", "%s: %s", field, why);
		table_cause(t, cause_of_value(text));
	}
	return list;
}

/* ----------------------------------------------------------------- movies */

enum {
	MOVIE_ID,
	MOVIE_TITLE,
	MOVIE_OVERVIEW,
	MOVIE_DATE,
	MOVIE_GENRES,
	MOVIE_POPULARITY,
	MOVIE_IMDB
};

static const char *
genres_of(struct tmdb *tmdb, struct table *t, TALLOC_CTX *mem)
{
	struct json_object *list = read_list(t, mem, MOVIE_GENRES, "genres");
	size_t n = list ? json_object_array_length(list) : 0;
	struct genre_list genres;

	genre_list_init(&genres, mem, &tmdb->cat.genres, t);
	for (size_t i = 0; i < n; i++) {
		const char *name =
		    record_text(json_object_array_get_idx(list, i), "name");

		if (name)
			genre_list_add(
			    &genres, catalogue_text(t, mem, "genres", name));
		else
			table_drop(
			    t, "unusable genre", "a genre without a name");
	}
	return genre_list_text(&genres);
}

static const char *
date_of(struct table *t, TALLOC_CTX *mem)
{
	const char *s = text_trim(mem, t->fields[MOVIE_DATE]);

	if (!*s)
		return NULL;
	if (record_is_date(s))
		return s;
	bad_value(t, "bad date", s, "is not a date (1995-11-22)");
	return NULL;
}

/* Digits with a point and a fraction. */
static const char *
popularity_of(struct table *t)
{
	const char *s = t->fields[MOVIE_POPULARITY];
	size_t n, fraction;

	if (!s || text_is_blank(s))
		return NULL;
	n = strspn(s, "0123456789");
	fraction = s[n] == '.' ? 1 + strspn(s + n + 1, "0123456789") : 0;
	if (n > 0 && n < 16 && fraction < 32 && s[n + fraction] == '\0')
		return s;
	bad_value(t, "bad popularity", s, "is not a number");
	return NULL;
}

/* "tt0114709" */
static const char *
imdb_of(struct table *t)
{
	const char *s = t->fields[MOVIE_IMDB];

	if (!s || text_is_blank(s))
		return NULL;
	if (strncmp(s, "tt", 2) == 0 && text_is_digits(s + 2) &&
	    strlen(s) >= 9 && strlen(s) <= 10)
		return s;
	bad_value(t, "bad link", s, "is not an IMDb id");
	return NULL;
}

static enum err
take_movie(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct tmdb *tmdb = arg;
	struct catalogue_movie m = { 0 };

	if (!take_id(t, &m.number))
		return ERR_OK;
	m.title = catalogue_text(t, mem, "title", t->fields[MOVIE_TITLE]);
	if (!catalogue_name_ok(t, "title", m.title, TITLE_MAX))
		return ERR_OK;
	if (!idset_add(tmdb->cat.movies, m.number)) {
		table_skip(t, "duplicate movie",
		    "movie %" PRId64 " is there already", m.number);
		return ERR_OK;
	}
	m.key = mem_printf(mem, "%" PRId64, m.number);
	m.synopsis =
	    catalogue_text(t, mem, "overview", t->fields[MOVIE_OVERVIEW]);
	m.release_date = date_of(t, mem);
	m.genres = genres_of(tmdb, t, mem);
	m.popularity = popularity_of(t);
	m.imdb = imdb_of(t);
	return catalogue_movie_copy(&tmdb->cat, t, c, &m);
}

/* ---------------------------------------------------------------- credits */

/* A member that is a number from 0 to max; else *out stays. */
static bool
number_of(struct json_object *o, const char *name, int64_t max, int64_t *out)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, name, &v) ||
	    !json_object_is_type(v, json_type_int) ||
	    json_object_get_int64(v) < 0 || json_object_get_int64(v) > max)
		return false;
	*out = json_object_get_int64(v);
	return true;
}

/* The same, where it may be missing or null. */
static void
take_number(struct table *t, struct json_object *o, const char *name,
    int64_t max, int64_t *out)
{
	if (!number_of(o, name, max, out) && json_object_object_get(o, name))
		table_drop(t, "bad number",
		    "%s of a credit is not a number from 0 to %" PRId64, name,
		    max);
}

/* One person of a list; invalid ones are dropped. */
static enum err
copy_credit(struct tmdb *tmdb, struct table *t, struct copy *c, TALLOC_CTX *mem,
    struct catalogue_credit *k, struct json_object *o)
{
	const struct report_at job_at = { REPORT_FILTERED, t->file, "job",
		t->line, 0 };
	const char *name = record_text(o, "name");
	char key[24];
	int64_t gender = 0;
	enum err e;

	tmdb->cat.credits->read++;
	if (k->directs) {
		const char *job = record_text(o, "job");

		if (!job || strcmp(job, "Director") != 0) {
			tmdb->cat.credits->filtered++;
			report_count(&tmdb->cat.im->report, &job_at, 1);
			return ERR_OK;
		}
	}
	k->person.name = catalogue_text(t, mem, "a name", name);
	if (!number_of(o, "id", IDSET_MAX, &k->person.number) ||
	    text_is_invisible(k->person.name) ||
	    text_length(k->person.name) > NAME_MAX) {
		tmdb->cat.credits->skipped++;
		table_drop(t, "bad credit",
		    "a credit without an id or a name of 1 to %d characters",
		    NAME_MAX);
		return ERR_OK;
	}
	take_number(t, o, "order", POSITION_MAX, &k->position);
	take_number(t, o, "gender", 3, &gender);
	k->person.gender = (int)gender;
	snprintf(key, sizeof key, "%" PRId64, k->person.number);
	k->person.key = key;
	e = catalogue_credit_copy(&tmdb->cat, t, c, k);
	k->person.key = NULL;
	return e;
}

static enum err
copy_list(struct tmdb *tmdb, struct table *t, struct copy *c, TALLOC_CTX *mem,
    struct catalogue_credit *k, struct json_object *list)
{
	size_t n = list ? json_object_array_length(list) : 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++) {
		k->position = (int64_t)i;
		e = copy_credit(
		    tmdb, t, c, mem, k, json_object_array_get_idx(list, i));
	}
	return e;
}

static enum err
take_credits(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct tmdb *tmdb = arg;
	struct catalogue_credit k = { 0 };
	enum err e;

	if (!take_id(t, &k.movie))
		return ERR_OK;
	if (!idset_has(tmdb->cat.movies, k.movie)) {
		table_skip(
		    t, "unknown movie", "there is no movie %" PRId64, k.movie);
		return ERR_OK;
	}
	if (!idset_add(tmdb->credited, k.movie)) {
		table_skip(t, "duplicate credits",
		    "movie %" PRId64 " has credits already", k.movie);
		return ERR_OK;
	}
	e = copy_list(tmdb, t, c, mem, &k, read_list(t, mem, 1, "cast"));
	k.directs = true;
	if (!e)
		e = copy_list(
		    tmdb, t, c, mem, &k, read_list(t, mem, 2, "crew"));
	return e;
}

/* ------------------------------------------------------------------ files */

static enum err
read_file(struct tmdb *tmdb, const struct table_spec *spec, enum stmt s,
    table_take *take)
{
	struct table t;
	enum err e = table_open(tmdb->cat.im, spec, &t);

	return e ? e : table_copy(&t, s, take, tmdb);
}

static enum err
import_all(struct import *im)
{
	static const char *const movies[] = { "movies.csv",
		"tmdb_5000_movies.csv" };
	static const char *const credits[] = { "credits.csv",
		"tmdb_5000_credits.csv" };
	struct table_spec movie = { .what = "movies",
		.columns = { "id", "title", "overview", "release_date",
		    "genres", "popularity", "imdb_id" },
		.optional = 2 };
	struct table_spec credit = { .what = "credit lines",
		.columns = { "movie_id", "cast", "crew" } };
	struct tmdb *tmdb = mem_new(im->mem, struct tmdb);
	struct catalogue *cat = &tmdb->cat;
	enum err e;

	e = catalogue_begin(cat, im, "tmdb");
	tmdb->credited = idset_new(im->mem);
	cat->movie_file = movie.file =
	    import_first(im, movies, array_len(movies));
	cat->credit_file = credit.file =
	    import_first(im, credits, array_len(credits));
	if (!e)
		e = read_file(tmdb, &movie, SQL_cat_movie_copy, take_movie);
	cat->credits = report_tally(&im->report, "credits");
	if (!e)
		e = read_file(tmdb, &credit, SQL_cat_credit_copy, take_credits);
	return e ? e : catalogue_store(cat);
}

enum err
import_tmdb(struct import *im)
{
	return import_run(im, import_all);
}
