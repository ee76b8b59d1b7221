/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reviews of movies.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/translate.h"
#include "http/handlers.h"

const struct field review_input[] = {
	{ "title", FROM_BODY, T_PROSE, REQUIRED | NOT_BLANK,
	    .max_length = LENGTH_TITLE },
	{ "content", FROM_BODY, T_PROSE, REQUIRED | NOT_BLANK,
	    .max_length = LENGTH_REVIEW },
	{ "is_positive", FROM_BODY, T_BOOL, REQUIRED },
	{ "spoiler", FROM_BODY, T_BOOL, 0 },
	{ 0 },
};

static const struct column review_shape[] = {
	{ "id", C_INT, NULL },
	{ "title", C_PROSE, NULL },
	{ "movie", C_TEXT, NULL },
	{ "user", C_TEXT, NULL },
	{ "content", C_PROSE, NULL },
	{ "is_positive", C_BOOL, NULL },
	{ "spoiler", C_BOOL, NULL },
	{ "created_at", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

/* The reviews of a movie, newest first. */
enum err
movie_review_list(struct req *r)
{
	return reply_cursor(r, SQL_movie_reviews, review_shape);
}

/* The reviews of a user, newest first. */
enum err
user_reviews(struct req *r)
{
	return reply_cursor(r, SQL_user_reviews, review_shape);
}

/* The caller's review of a movie; a second one is an error (use PUT). */
enum err
movie_review_create(struct req *r)
{
	return reply_one(r, 201, SQL_review_insert, review_shape);
}

enum err
review_detail(struct req *r)
{
	return reply_one(r, 200, SQL_review_detail, review_shape);
}

/*
 * Replaces title, content and is_positive of the caller's own review, and the
 * mark `spoiler` if it is sent.
 */
enum err
review_update(struct req *r)
{
	return reply_one(r, 200, SQL_review_update, review_shape);
}

/* Deletes the caller's own review; they may then write another one. */
enum err
review_delete(struct req *r)
{
	return reply_true(r, SQL_review_delete, "status");
}

/* Title and text in the caller's language. */
enum err
review_translation(struct req *r)
{
	static const char *const columns[] = { "title", "content", NULL };

	return reply_translated(r, SQL_review_texts, columns);
}
