/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Criteria of recommendations from the input of a request.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "recommendations/steering.h"

#define YEAR_MAX 9999

const struct field recommendation_input[] = {
	{ "genres", FROM_QUERY, T_LIST, UNORDERED, .max_length = LENGTH_SLUG },
	{ "without_genres", FROM_QUERY, T_LIST, UNORDERED,
	    .max_length = LENGTH_SLUG },
	{ "year_from", FROM_QUERY, T_INT, 0, .min = 1, .max = YEAR_MAX },
	{ "year_to", FROM_QUERY, T_INT, 0, .min = 1, .max = YEAR_MAX },
	{ "popular", FROM_QUERY, T_NUMBER, 0, .min = -1, .max = 1 },
	{ "platforms", FROM_QUERY, T_LIST, UNORDERED,
	    .max_length = LENGTH_SLUG },
	{ 0 },
};

struct name_filter
steering_names(const struct req *r, const char *field)
{
	const struct field_value *v = input_of(r, field);

	return (struct name_filter){ v->count ? v->texts : NULL, v->count };
}

enum err
steering_check_name(struct req *r, const struct row *row, const char *column,
    const char *field, enum msg msg)
{
	const char *const args[3] = { row_text(row, column) };

	return args[0] ? fail_with(r, ERR_INVALID, field, msg, args) : ERR_OK;
}

/* The genres and platforms must exist. */
static enum err
check_names(struct req *r)
{
	struct row row;
	enum err e;

	e = run_one(r, SQL_recommend_check, &row);
	if (!e)
		e = steering_check_name(
		    r, &row, "genre", "genres", MSG_NO_GENRE);
	if (!e)
		e = steering_check_name(
		    r, &row, "without_genre", "without_genres", MSG_NO_GENRE);
	if (!e)
		e = steering_check_name(
		    r, &row, "platform", "platforms", MSG_NO_PLATFORM);
	return e;
}

enum err
steering_read(struct req *r, struct criteria *criteria)
{
	criteria->genres = steering_names(r, "genres");
	criteria->without_genres = steering_names(r, "without_genres");
	criteria->platforms = steering_names(r, "platforms");
	criteria->year_from = input_int(r, "year_from");
	criteria->year_to = input_int(r, "year_to");
	criteria->popular = input_of(r, "popular")->fraction;
	if (criteria->year_to > 0 && criteria->year_from > criteria->year_to)
		return fail(r, ERR_INVALID, "year_from", MSG_NO_YEARS);
	if (criteria->genres.n + criteria->without_genres.n +
		criteria->platforms.n ==
	    0)
		return ERR_OK;
	return check_names(r);
}
