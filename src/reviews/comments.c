/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comments on reviews, and replies to comments.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/translate.h"
#include "http/handlers.h"

const struct field comment_input[] = {
	{ "content", FROM_BODY, T_PROSE, REQUIRED | NOT_BLANK,
	    .max_length = LENGTH_COMMENT },
	{ "spoiler", FROM_BODY, T_BOOL, 0 },
	{ 0 },
};

const struct field comment_list_input[] = {
	{ "last_id", FROM_QUERY, T_CURSOR, 0 },
	{ "limit", FROM_QUERY, T_LIMIT, 0, .def = 20 },
	{ 0 },
};

static const struct column comment_shape[] = {
	{ "id", C_INT, NULL },
	{ "user", C_TEXT, NULL },
	{ "content", C_PROSE, NULL },
	{ "spoiler", C_BOOL, NULL },
	{ "created_at", C_TIME, NULL },
	{ "reply_comment", C_TEXT, NULL },
	{ "has_replies", C_BOOL, NULL },
	{ NULL, C_NULL, NULL },
};

/* The comments on the review itself, newest first. */
enum err
comment_list(struct req *r)
{
	return reply_cursor(r, SQL_comment_list, comment_shape);
}

/* The direct replies to a comment, newest first. */
enum err
reply_list(struct req *r)
{
	return reply_cursor(r, SQL_reply_list, comment_shape);
}

/* A comment or a reply. */
enum err
comment_detail(struct req *r)
{
	return reply_one(r, 200, SQL_comment_detail, comment_shape);
}

enum err
comment_create(struct req *r)
{
	return reply_one(r, 201, SQL_comment_insert, comment_shape);
}

enum err
reply_create(struct req *r)
{
	return reply_one(r, 201, SQL_reply_insert, comment_shape);
}

/*
 * Replaces the text of the caller's own comment or reply, and the mark
 * `spoiler` if it is sent.
 */
enum err
comment_update(struct req *r)
{
	return reply_one(r, 200, SQL_comment_update, comment_shape);
}

/* Deletes it with all replies below it. */
enum err
comment_delete(struct req *r)
{
	return reply_true(r, SQL_comment_delete, "status");
}

/* The text in the caller's language. */
enum err
comment_translation(struct req *r)
{
	static const char *const columns[] = { "content", NULL };

	return reply_translated(r, SQL_comment_texts, columns);
}
