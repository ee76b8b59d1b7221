/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The caller's own rating of a movie: read, give, change.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

const struct field rating_input[] = {
	{ "rating", FROM_BODY, T_INT, REQUIRED, .min = 1, .max = 5 },
	{ 0 },
};

static const struct column rating_shape[] = {
	{ "id", C_INT, NULL },
	{ "user", C_CALLER, NULL },
	{ "movie", C_MOVIE, NULL },
	{ "rating", C_INT, NULL },
	{ "created_at", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

/*
 * Answers with the rating of a row; `e` is what the statement came back with. A
 * row without `id`: the movie is there, and its rating is not, or, when one was
 * to be made, was there before.
 */
static enum err
reply_rating(struct req *r, int status, enum err e, const struct row *row)
{
	if (e == ERR_NOT_FOUND)
		return fail_param(r, "movie");
	if (e)
		return e;
	if (row_is_null(row, "id") && status == 201)
		return fail(r, ERR_CONFLICT, NULL, MSG_ALREADY_RATED);
	if (row_is_null(row, "id"))
		return fail(r, ERR_NOT_FOUND, NULL, MSG_RATING_NOT_FOUND);
	return reply_row(r, status, row, rating_shape);
}

/* The caller's rating; 404 when she has given none. */
enum err
movie_rating_get(struct req *r)
{
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_rating_get,
	    arg_id(r->account->id), arg_text(path_of(r, "movie")));
	return reply_rating(r, 200, e, &row);
}

/* Rates a movie for the first time; a second rating is an error (use PUT). */
enum err
movie_rating_create(struct req *r)
{
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_rating_insert,
	    arg_id(r->account->id), arg_text(path_of(r, "movie")),
	    arg_id(input_int(r, "rating")));
	return reply_rating(r, 201, e, &row);
}

/* Changes the rating; it keeps its id and its date. */
enum err
movie_rating_update(struct req *r)
{
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, SQL_rating_update,
	    arg_id(r->account->id), arg_text(path_of(r, "movie")),
	    arg_id(input_int(r, "rating")));
	return reply_rating(r, 200, e, &row);
}
