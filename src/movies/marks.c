/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unseen mark: "I have not seen it, do not propose it".
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

/*
 * Runs a statement on the caller and the movie of the path that tells in
 * column `column` whether it changed something; `unchanged` is the complaint
 * when it did not.
 */
static enum err
mark(struct req *r, enum stmt stmt, const char *column, enum msg unchanged)
{
	struct row row;
	enum err e;

	e = query_one(r->mem, r->db, &row, stmt, arg_id(r->account->id),
	    arg_text(path_of(r, "movie")));
	if (e == ERR_NOT_FOUND)
		return fail_param(r, "movie");
	if (e)
		return e;
	if (!row_bool(&row, column))
		return fail(r, ERR_CONFLICT, NULL, unchanged);
	return reply_flag(r, 200, "success");
}

/* Marks the movie; 400 when it is marked already. */
enum err
movie_unseen_add(struct req *r)
{
	return mark(r, SQL_unseen_insert, "made", MSG_ALREADY_UNSEEN);
}

/* Takes the mark away; 400 when there is none. */
enum err
movie_unseen_remove(struct req *r)
{
	return mark(r, SQL_unseen_delete, "gone", MSG_NOT_UNSEEN);
}
