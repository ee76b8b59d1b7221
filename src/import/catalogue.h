/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the imports of IMDb's and TMDB's files share: movies, credits and
 * persons are copied to temporary tables while the files are read, and stored
 * at the end (sql/titles.sql).
 */
#ifndef IMPORT_CATALOGUE_H
#define IMPORT_CATALOGUE_H

#include "base/base.h"

#include "import/genre.h"
#include "import/idset.h"
#include "import/import.h"
#include "import/table.h"

struct catalogue {
	struct import *im;
	const char *source; /* "imdb" */
	struct genres genres;
	struct idset *movies; /* numbers that were copied */
	struct idset *persons;
	struct tally *credits;
	long n_movies; /* rows of the temporary tables */
	long n_credits;
	long n_persons;
	/* for reports: where movies, credits and names of persons are */
	const char *movie_file;
	const char *credit_file;
	const char *person_file; /* NULL: names are in the credits */
};

struct catalogue_movie {
	int64_t number;
	const char *key;
	const char *title;
	const char *synopsis;
	const char *release_date; /* NULL: unknown, as those below */
	const char *popularity;
	const char *genres;
	const char *imdb;
};

struct catalogue_person {
	int64_t number;
	const char *key;
	const char *name;
	int gender;
};

struct catalogue_credit {
	int64_t movie;
	struct catalogue_person person; /* name NULL: in another file */
	bool directs;
	int64_t position;
};

/* Creates the temporary tables; `cat` is filled but for the files. */
enum err catalogue_begin(
    struct catalogue *cat, struct import *im, const char *source);

/* Copies a row of the table's current line. */
enum err catalogue_movie_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_movie *m);
enum err catalogue_credit_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_credit *k);
enum err catalogue_person_copy(struct catalogue *cat, const struct table *t,
    struct copy *c, const struct catalogue_person *p);

/*
 * A text as it is stored, below `mem`: trimmed, control characters dropped,
 * with a report that names the field; line feeds and tabs become spaces, except
 * in a synopsis. NULL: empty.
 */
char *catalogue_text(
    struct table *t, TALLOC_CTX *mem, const char *field, const char *text);

/*
 * true if the text of the field, "title" or "name", has 1 to `max` characters;
 * else the row is skipped.
 */
bool catalogue_name_ok(
    struct table *t, const char *field, const char *text, size_t max);

/* Finds what exists, and inserts what is missing. */
enum err catalogue_store(struct catalogue *cat);

#endif
