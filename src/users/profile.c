/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Users as others see them: profile, search, suggestions.
 */
#include "base/base.h"

#include "api/api.h"
#include "api/translate.h"
#include "http/handlers.h"
#include "users/users.h"

const struct field user_search_input[] = {
	{ "search_query", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	{ "is_friend", FROM_QUERY, T_BOOL, 0 },
	PAGE_FIELDS,
	{ 0 },
};

const struct field friend_search_input[] = {
	{ "search_query", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	PAGE_FIELDS,
	{ 0 },
};

/* The public profile of a user. */
enum err
user_detail(struct req *r)
{
	return reply_one(r, 200, SQL_user_detail, profile_shape);
}

/* Users by name, or the friends of the caller. */
enum err
user_search(struct req *r)
{
	return reply_page(r, SQL_user_search, user_shape);
}

/* Friends of a user by name. */
enum err
friend_search(struct req *r)
{
	return reply_page(r, SQL_friend_search, user_shape);
}

/* Users the caller may know. */
enum err
user_suggestions(struct req *r)
{
	return reply_cursor(r, SQL_user_suggestions, user_shape);
}

/* The biography in the caller's language. */
enum err
user_translation(struct req *r)
{
	static const char *const columns[] = { "bio", NULL };

	return reply_translated(r, SQL_user_bio, columns);
}
