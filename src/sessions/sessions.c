/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sessions of the caller: listed, and ended one by one or together.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"

const struct field sessions_end_input[] = {
	{ "keep_current", FROM_QUERY, T_BOOL, 0 },
	{ 0 },
};

/* As many as session_start leaves: no pages. */
static const struct column session_shape[] = {
	{ "id", C_TEXT, NULL },
	{ "client", C_TEXT, NULL },
	{ "network", C_TEXT, NULL },
	{ "created_at", C_TIME, NULL },
	{ "last_used_at", C_TIME, NULL },
	{ "expires_at", C_TIME, NULL },
	{ "current", C_BOOL, NULL },
	{ NULL, C_NULL, NULL },
};

static const struct column ended_shape[] = {
	{ "status", C_BOOL, NULL },
	{ "ended", C_INT, NULL },
	{ NULL, C_NULL, NULL },
};

enum err
session_list(struct req *r)
{
	bind_arg(r, "session_id", arg_text(r->account->session_id));
	return reply_all(r, SQL_session_list, session_shape);
}

enum err
session_end_one(struct req *r)
{
	return reply_true(r, SQL_session_end_one, "status");
}

/* All, that of the token included, unless keep_current is true. */
enum err
session_end_all(struct req *r)
{
	bind_arg(r, "session_id", arg_text(r->account->session_id));
	return reply_one(r, 200, SQL_session_end_all, ended_shape);
}
