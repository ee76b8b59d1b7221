/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The criteria of recommendations, and what is known of the caller, which is
 * read with one statement.
 */
#ifndef RECOMMENDATIONS_CALLER_H
#define RECOMMENDATIONS_CALLER_H

#include "base/base.h"

#include "db/arg.h"
#include "db/db.h"
#include "i18n/lang.h"

/* Names to limit criteria to; `text` NULL: no limit. */
struct name_filter {
	const char *const *text;
	size_t n;
};

struct criteria {
	int64_t caller;
	enum lang lang;
	struct name_filter friends;     /* user names; else all friends */
	struct name_filter celebrities; /* slugs; else the followed persons */
	struct name_filter genres;      /* slugs; else any */
	struct name_filter without_genres; /* slugs; else none */
	struct name_filter platforms;      /* slugs; else the caller's */
	int64_t year_from, year_to;        /* of release; 0: any */
	double popular;  /* -1, little known, to 1; 0: does not matter */
	int size;        /* number of movies */
	bool pad;        /* with the newest movies, up to `size` */
	bool first;      /* first the films of these friends and celebrities */
	double bonus;    /* setting recommend_bonus */
	double director; /* setting recommend_director */
};

/* As a parameter: an array, or NULL. */
struct arg arg_names(const struct name_filter *names);

struct ids {
	const int64_t *id;
	size_t n;
};

/* Pairs film[i], other[i], sorted by film. */
struct pairs {
	const int64_t *film;
	const int64_t *other;
	size_t n;
};

struct caller {
	struct ids rated;     /* movies, oldest rating first */
	const int64_t *stars; /* of each of them */
	struct ids unseen;    /* marked as unseen */
	struct ids liked;     /* 4 or 5 stars from a friend; not read */
	struct ids starring;  /* with a celebrity */
	struct pairs related; /* cold-start movie, movie of the same people */
	struct pairs genre;   /* cold-start movie, genre */
};

/*
 * Reads it, including cold-start movies: movies that are not in the model.
 * Everything belongs to `mem`.
 */
enum err caller_read(TALLOC_CTX *mem, struct db *db,
    const struct criteria *criteria, struct caller *out);

#endif
