/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Friends and friend requests.
 */
#include "base/base.h"

#include "api/api.h"
#include "http/handlers.h"
#include "users/users.h"

const struct field friend_input[] = {
	{ "username", FROM_QUERY, T_TEXT, REQUIRED | OR_BODY,
	    .max_length = LENGTH_NAME },
	{ 0 },
};

static const struct column request_shape[] = {
	{ "id", C_INT, NULL },
	{ "from_user", C_TEXT, NULL },
	{ "to_user", C_TEXT, NULL },
	{ "status", C_TEXT, NULL },
	{ NULL, C_NULL, NULL },
};

static enum err
reply_status(struct req *r, enum msg msg)
{
	return reply_text(r, 200, "status", msg_text(r->lang, msg));
}

/* Runs the statement and answers with the message. */
static enum err
run_and_reply(struct req *r, enum stmt s, enum msg msg)
{
	struct row row;
	enum err e;

	e = run_one(r, s, &row);
	return e ? e : reply_status(r, msg);
}

/* The caller's friends. */
enum err
friend_list_self(struct req *r)
{
	return reply_cursor(r, SQL_friend_list_self, user_shape);
}

/* The friends of a user. */
enum err
friend_list(struct req *r)
{
	return reply_cursor(r, SQL_friend_list, user_shape);
}

/* Ends a friendship; a success if there is none. */
enum err
friend_remove(struct req *r)
{
	return run_and_reply(r, SQL_friend_remove, MSG_UNFRIENDED);
}

/* The requests that wait for the caller's answer. */
enum err
friend_request_list(struct req *r)
{
	bind_arg(r, "label", arg_text(msg_text(r->lang, MSG_REQUEST_PENDING)));
	return reply_cursor(r, SQL_friend_request_list, request_shape);
}

/* Sends a request, or accepts that of the other user. */
enum err
friend_request_send(struct req *r)
{
	struct row row;
	enum err e;

	e = run_one(r, SQL_friend_request_send, &row);
	if (e)
		return e;
	if (strcmp(row_outcome(&row), "accepted") == 0)
		return reply_status(r, MSG_REQUEST_ACCEPTED);
	return reply_status(r, MSG_REQUEST_SENT);
}

/* Rejects a request, or withdraws one's own. */
enum err
friend_request_delete(struct req *r)
{
	return run_and_reply(
	    r, SQL_friend_request_delete, MSG_REQUEST_REJECTED);
}
