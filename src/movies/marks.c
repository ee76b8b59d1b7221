/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unseen mark: excludes a movie from recommendations.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

/* 400 when the movie is marked already. */
enum err
movie_unseen_add(struct req *r)
{
	return reply_true(r, SQL_unseen_insert, "success");
}

/* 400 when there is no mark. */
enum err
movie_unseen_remove(struct req *r)
{
	return reply_true(r, SQL_unseen_delete, "success");
}
