/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The caller of recommendations.
 */
#include "base/base.h"

#include "db/query.h"
#include "recommendations/caller.h"

struct arg
arg_names(const struct name_filter *names)
{
	return names->text ? arg_text_array(names->text, names->n) : arg_null();
}

static struct ids
ids_of(TALLOC_CTX *mem, const struct row *row, const char *name)
{
	struct ids out = { 0 };

	out.id = row_id_array(mem, row, name, &out.n);
	return out;
}

static struct pairs
pairs_of(
    TALLOC_CTX *mem, const struct row *row, const char *film, const char *other)
{
	struct ids films = ids_of(mem, row, film);
	struct ids others = ids_of(mem, row, other);

	assert(films.n == others.n);
	return (struct pairs){ films.id, others.id, films.n };
}

enum err
caller_read(TALLOC_CTX *mem, struct db *db, const struct criteria *criteria,
    struct caller *out)
{
	struct row row;
	struct ids stars;
	enum err e;

	e = query_one(mem, db, &row, SQL_recommend_caller,
	    arg_id(criteria->caller), arg_names(&criteria->celebrities));
	if (e)
		return e;
	out->rated = ids_of(mem, &row, "rated");
	stars = ids_of(mem, &row, "stars");
	assert(stars.n == out->rated.n);
	out->stars = stars.id;
	out->unseen = ids_of(mem, &row, "unseen");
	out->starring = ids_of(mem, &row, "starring");
	out->related = pairs_of(mem, &row, "related_film", "related_known");
	out->genre = pairs_of(mem, &row, "genre_film", "genre_id");
	return ERR_OK;
}
