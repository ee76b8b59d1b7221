/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Storing movies with their credits and persons.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "db/query.h"
#include "import/catalogue.h"
#include "import/title.h"

#define SLUG_MAX    100
#define BATCH_ROWS  100000L
#define NUMBER_SIZE 24

enum err
catalogue_begin(struct catalogue *cat, struct import *im, const char *source)
{
	static const enum stmt stages[] = { SQL_cat_movie_stage,
		SQL_cat_credit_stage, SQL_cat_person_stage };

	*cat = (struct catalogue){ .im = im, .source = source };
	cat->genres.im = im;
	cat->movies = idset_new(im->mem);
	cat->persons = idset_new(im->mem);
	return import_exec_all(im, stages, array_len(stages));
}

/* ---------------------------------------------------------------- reading */

static bool
is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return u[0] < ' ' || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0);
}

char *
catalogue_text(
    struct table *t, TALLOC_CTX *mem, const char *field, const char *text)
{
	char *copy = mem_text(mem, text ? text : ""), *to = copy;
	bool lines = strcmp(field, "overview") == 0;
	long dropped = 0;

	for (const char *s = copy; *s; s++) {
		if (!is_control(s))
			*to++ = *s;
		else if (*s == '\n' || *s == '\t')
			*to++ = lines ? *s : ' ';
		else {
			dropped += *s != '\r';
			s += (unsigned char)*s == 0xc2;
		}
	}
	*to = '\0';
	if (dropped > 0)
		table_drop(t, "control characters",
		    "control characters in %s: %ld", field, dropped);
	return text_trim(mem, copy);
}

bool
catalogue_name_ok(
    struct table *t, const char *field, const char *text, size_t max)
{
	size_t length = text_length(text);

	if (!text_is_invisible(text) && length <= max)
		return true;
	if (length > max)
		table_skip(t, "too long",
		    "the %s has %zu characters, more than %zu", field, length,
		    max);
	else
		table_skip(t, "empty", "the %s is empty", field);
	return false;
}

enum err
catalogue_movie_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_movie *m)
{
	TALLOC_CTX *mem = mem_need(talloc_new(cat->im->mem));
	char n[NUMBER_SIZE], line[NUMBER_SIZE], number[NUMBER_SIZE];
	char *slug =
	    mem_printf(mem, "%s-%s", m->key, text_slug_unicode(mem, m->title));
	enum err e;

	title_slug_cut(slug, SLUG_MAX);
	snprintf(n, sizeof n, "%ld", ++cat->n_movies);
	snprintf(line, sizeof line, "%ld", t->line);
	snprintf(number, sizeof number, "%" PRId64, m->number);
	e = copy_row(c,
	    (const char *[]){ n, line, number, m->key, m->title, m->synopsis,
		m->release_date, m->popularity ? m->popularity : "0", slug,
		m->genres ? m->genres : "{}", m->imdb },
	    11);
	talloc_free(mem);
	return e;
}

/* "tom-hanks-nm0000158" */
static char *
person_slug(TALLOC_CTX *mem, const struct catalogue_person *p)
{
	char *slug = text_slug_unicode(mem, p->name);

	title_slug_cut(slug, SLUG_MAX - strlen(p->key) - 1);
	return *slug ? mem_printf(mem, "%s-%s", slug, p->key) :
		       mem_text(mem, p->key);
}

enum err
catalogue_credit_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_credit *k)
{
	TALLOC_CTX *mem = NULL;
	char n[NUMBER_SIZE], line[NUMBER_SIZE], movie[NUMBER_SIZE];
	char person[NUMBER_SIZE], position[NUMBER_SIZE];
	char gender[2] = { (char)('0' + k->person.gender), '\0' };
	const char *slug = NULL;
	enum err e;

	snprintf(n, sizeof n, "%ld", ++cat->n_credits);
	snprintf(line, sizeof line, "%ld", t->line);
	snprintf(movie, sizeof movie, "%" PRId64, k->movie);
	snprintf(person, sizeof person, "%" PRId64, k->person.number);
	snprintf(position, sizeof position, "%" PRId64, k->position);
	if (k->person.name) {
		mem = mem_need(talloc_new(cat->im->mem));
		slug = person_slug(mem, &k->person);
	}
	e = copy_row(c,
	    (const char *[]){ n, line, movie, person, k->directs ? "t" : "f",
		position, k->person.name, slug, gender },
	    9);
	talloc_free(mem);
	return e;
}

enum err
catalogue_person_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_person *p)
{
	TALLOC_CTX *mem = mem_need(talloc_new(cat->im->mem));
	char n[NUMBER_SIZE], line[NUMBER_SIZE], number[NUMBER_SIZE];
	enum err e;

	snprintf(n, sizeof n, "%ld", ++cat->n_persons);
	snprintf(line, sizeof line, "%ld", t->line);
	snprintf(number, sizeof number, "%" PRId64, p->number);
	e = copy_row(c,
	    (const char *[]){
		n, line, number, p->key, p->name, person_slug(mem, p) },
	    6);
	talloc_free(mem);
	return e;
}

/* ---------------------------------------------------------------- storing */

/* Runs a statement with the source. */
static enum err
exec_source(struct catalogue *cat, enum stmt s)
{
	struct import *im = cat->im;
	enum err e;

	if (import_stopped(im))
		return ERR_UNAVAILABLE;
	e = query_exec(im->mem, im->db, NULL, s, arg_text(cat->source));
	return e ? import_database_failed(im, e) : ERR_OK;
}

static enum err
exec_sources(struct catalogue *cat, const enum stmt *statements, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++)
		e = exec_source(cat, statements[i]);
	return e;
}

/* Runs a statement for rows 1 to `rows` in batches; adds to *count. */
static enum err
exec_batches(struct catalogue *cat, enum stmt s, const char *what, long rows,
    long *count)
{
	struct import *im = cat->im;
	long n;
	enum err e;

	progress_begin(&im->progress, what, rows);
	for (long from = 1; from <= rows; from += BATCH_ROWS) {
		if (import_stopped(im))
			return ERR_UNAVAILABLE;
		e = query_exec(im->mem, im->db, &n, s, arg_id(from),
		    arg_id(from + BATCH_ROWS - 1));
		if (e)
			return import_database_failed(im, e);
		if (count)
			*count += n;
		progress_at(&im->progress, from + BATCH_ROWS);
	}
	progress_end(&im->progress);
	return ERR_OK;
}

/* Prepares the temporary tables. */
static enum err
settle_files(struct catalogue *cat)
{
	static const enum stmt before[] = { SQL_cat_credit_index,
		SQL_cat_movie_analyze, SQL_cat_credit_analyze };
	struct import *im = cat->im;
	struct tally *persons = report_tally(&im->report, "persons");
	long unknown = 0;
	enum err e;

	e = import_exec_all(im, before, array_len(before));
	if (!e && !cat->person_file) {
		e = import_exec(im, SQL_cat_person_fill, &persons->read);
		cat->n_persons = cat->n_credits;
	}
	if (!e)
		e = import_exec(im, SQL_cat_person_analyze, NULL);
	if (!e && cat->person_file)
		e = import_skips(im, SQL_cat_credit_unknown_skip,
		    cat->credit_file, "unknown person", &unknown);
	cat->credits->skipped += unknown;
	return e;
}

/* Finds movies and persons that exist, and leaves what is to be inserted. */
static enum err
settle_existing(struct catalogue *cat)
{
	static const enum stmt movies[] = { SQL_cat_movie_know,
		SQL_cat_movie_match, SQL_cat_movie_same };
	static const enum stmt persons[] = { SQL_cat_person_know,
		SQL_cat_person_same };
	static const enum stmt prune[] = { SQL_cat_credit_prune,
		SQL_cat_person_prune };
	struct import *im = cat->im;
	long taken = 0, orphans = 0;
	enum err e;

	e = exec_sources(cat, movies, array_len(movies));
	if (!e)
		e = import_skips(im, SQL_cat_movie_taken_skip, cat->movie_file,
		    "address taken", &taken);
	report_tally(&im->report, "movies")->skipped += taken;
	if (!e)
		e = import_exec(im, SQL_cat_movie_need, NULL);
	if (!e)
		e = exec_sources(cat, persons, array_len(persons));
	if (!e)
		e = import_exec_all(im, prune, array_len(prune));
	taken = 0;
	if (!e)
		e = import_skips(im, SQL_cat_person_taken_skip,
		    cat->person_file ? cat->person_file : cat->credit_file,
		    "address taken", &taken);
	report_tally(&im->report, "persons")->skipped += taken;
	if (!e && taken > 0)
		e = import_skips(im, SQL_cat_credit_unknown_skip,
		    cat->credit_file, "unknown person", &orphans);
	cat->credits->skipped += orphans;
	return e;
}

static enum err
store_movies(struct catalogue *cat)
{
	static const enum stmt sources[] = { SQL_cat_source_add };
	const struct report_at other = { .kind = REPORT_DROPPED,
		.file = cat->movie_file,
		.what = "link of another movie" };
	struct import *im = cat->im;
	struct tally *movies = report_tally(&im->report, "movies");
	enum err e;

	e = import_exec(im, SQL_cat_movie_reserve, NULL);
	if (!e)
		e = exec_batches(cat, SQL_cat_movie_add, "storing movies",
		    cat->n_movies, &movies->added);
	if (!e)
		e = import_exec(im, SQL_cat_movie_fill, NULL);
	if (!e)
		e = exec_sources(cat, sources, array_len(sources));
	if (!e)
		e = import_exec(im, SQL_cat_imdb_add, NULL);
	if (!e)
		e = import_faults(im, SQL_cat_imdb_other, &other, NULL);
	if (!e)
		e = genres_store(&cat->genres);
	if (!e)
		e = exec_batches(cat, SQL_cat_genre_add, "storing genres",
		    cat->n_movies, NULL);
	return e;
}

static enum err
store_persons(struct catalogue *cat)
{
	struct import *im = cat->im;
	struct tally *persons = report_tally(&im->report, "persons");
	long *added = &cat->credits->added;
	enum err e;

	e = import_exec(im, SQL_cat_person_reserve, NULL);
	if (!e)
		e = exec_batches(cat, SQL_cat_person_add, "storing persons",
		    cat->n_persons, &persons->added);
	if (!e)
		e = exec_source(cat, SQL_cat_person_source_add);
	if (!e)
		e = exec_batches(cat, SQL_cat_director_add, "storing directors",
		    cat->n_credits, added);
	if (!e)
		e = exec_batches(cat, SQL_cat_actor_add, "storing actors",
		    cat->n_credits, added);
	return e;
}

/* Updates the statistics of the planner if rows have changed. */
static enum err
finish(struct catalogue *cat)
{
	struct import *im = cat->im;
	struct tally *movies = report_tally(&im->report, "movies");
	struct row row;
	enum err e;

	e = query_one(im->mem, im->db, &row, SQL_cat_movie_changed, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	movies->changed = (long)row_id(&row, "changed");
	if (movies->added == 0 && movies->changed == 0)
		return ERR_OK;
	return import_exec(im, SQL_import_analyze, NULL);
}

enum err
catalogue_store(struct catalogue *cat)
{
	struct progress *progress = &cat->im->progress;
	enum err e;

	progress_begin(progress, "comparing with the catalogue", 0);
	e = settle_files(cat);
	if (!e)
		e = settle_existing(cat);
	if (!e)
		progress_end(progress);
	if (!e)
		e = store_movies(cat);
	if (!e)
		e = store_persons(cat);
	return e ? e : finish(cat);
}
