/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratings of a movie: the caller's own (read, give, change), those of their
 * friends, and statistics.
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
	{ "user", C_TEXT, NULL },
	{ "movie", C_TEXT, NULL },
	{ "rating", C_INT, NULL },
	{ "created_at", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

static const struct column statistics_shape[] = {
	{ "ratings", C_INT, NULL },
	{ "mean", C_JSON, NULL },
	{ "histogram", C_JSON, NULL },
	{ "friends_ratings", C_INT, NULL },
	{ "friends_mean", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

/* By page, the newest first; 404 if the movie is missing. */
enum err
movie_friends_ratings(struct req *r)
{
	return reply_page(r, SQL_friends_ratings, rating_shape);
}

/* 404 when there is none. */
enum err
movie_rating_get(struct req *r)
{
	return reply_one(r, 200, SQL_rating_get, rating_shape);
}

/* A second rating is an error (use PUT). */
enum err
movie_rating_create(struct req *r)
{
	return reply_one(r, 201, SQL_rating_insert, rating_shape);
}

/* It keeps its id and its date. */
enum err
movie_rating_update(struct req *r)
{
	return reply_one(r, 200, SQL_rating_update, rating_shape);
}

/* Numbers and means; 404 if the movie is missing. */
enum err
movie_statistics(struct req *r)
{
	return reply_one(r, 200, SQL_movie_statistics, statistics_shape);
}
