/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reactions to reviews and comments.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

/* A value that is not text is an emoji that does not exist. */
const struct field reaction_input[] = {
	{ "emoji_code", FROM_BODY, T_TEXT, REQUIRED | NULLABLE | LENIENT,
	    .max_length = LENGTH_EMOJI },
	{ 0 },
};

static const struct column summary_shape[] = {
	{ "reactions", C_JSON, NULL },
	{ "your_reactions", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

static const struct column created_shape[] = {
	{ "status", C_BOOL, NULL },
	{ "id", C_INT, NULL },
	{ NULL, C_NULL, NULL },
};

enum err
review_reactions(struct req *r)
{
	return reply_one(r, 200, SQL_review_reactions, summary_shape);
}

enum err
review_reaction_create(struct req *r)
{
	return reply_one(r, 200, SQL_review_reaction_insert, created_shape);
}

enum err
review_reaction_delete(struct req *r)
{
	return reply_true(r, SQL_review_reaction_delete, "status");
}

enum err
comment_reactions(struct req *r)
{
	return reply_one(r, 200, SQL_comment_reactions, summary_shape);
}

enum err
comment_reaction_create(struct req *r)
{
	return reply_one(r, 200, SQL_comment_reaction_insert, created_shape);
}

enum err
comment_reaction_delete(struct req *r)
{
	return reply_true(r, SQL_comment_reaction_delete, "status");
}
