/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Users as others see them: profile, search, suggestions.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "users/users.h"

/* The public profile of a user. */
enum err
user_detail(struct req *r)
{
	return reply_one(r, 200, SQL_user_detail, user_shape);
}
