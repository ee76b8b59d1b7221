/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What recommendations are asked for, and what is known of who asks: one
 * statement's worth.
 */
#ifndef RECOMMENDATIONS_CALLER_H
#define RECOMMENDATIONS_CALLER_H

#include "base/base.h"

#include "db/arg.h"
#include "db/db.h"
#include "i18n/lang.h"

/* Names a wish is limited to; `text` NULL: it is not. */
struct names_wished {
	const char *const *text;
	size_t n;
};

struct wish {
	int64_t caller;
	enum lang lang;
	struct names_wished friends;     /* user names; else all her friends */
	struct names_wished celebrities; /* slugs; else whom she follows */
	struct names_wished genres;      /* slugs; else any */
	int size;                        /* how many movies */
	bool pad;        /* with the newest when there are not as many */
	double bonus;    /* setting recommend_bonus */
	double director; /* setting recommend_director */
};

/* SQL's view of names: an array, or NULL. */
struct arg arg_names(const struct names_wished *names);

struct ids {
	const int64_t *id;
	size_t n;
};

/* Pairs film[i], other[i], films rising. */
struct pairs {
	const int64_t *film;
	const int64_t *other;
	size_t n;
};

struct caller {
	struct ids rated;     /* movies, oldest rating first */
	const int64_t *stars; /* of each of them */
	struct ids unseen;    /* marked so */
	struct ids liked;     /* 4 or 5 stars from a friend */
	struct ids starring;  /* with a celebrity */
	struct pairs kin;     /* film no model knows, one of the same people */
	struct pairs kind;    /* film no model knows, genre */
};

/*
 * Reads it, films that no model knows too. Everything belongs to `mem`.
 */
enum err caller_read(TALLOC_CTX *mem, struct db *db, const struct wish *wish,
    struct caller *out);

#endif
