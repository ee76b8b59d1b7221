/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The caller: what the guard and the handlers need, read with one statement and
 * cached per session.
 */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "base/base.h"

#include "auth/token.h"
#include "base/buf.h"
#include "db/row.h"
#include "http/request.h"
#include "i18n/msg.h"

#define ACCOUNT_NAME_SIZE 640 /* 150 code points */

struct account {
	int64_t id;
	char session_id[TOKEN_ID_SIZE];
	int64_t epoch;
	bool verified;
	bool boarded;
	bool active;
	bool staff;
	enum lang lang;
	char username[ACCOUNT_NAME_SIZE];
	/* The name was changed within access_lifetime: not cached, because
	 * another user may take a former name at any time. */
	bool renamed;
	/* {username} of the path is a name from before these changes: tokens
	 * have it, and clients make paths with it. */
	bool former_name;
};

/*
 * Reads account and session from the database (statement account_by_session);
 * the route is known.
 * ERR_UNAUTHORIZED: no such account or session, ended, expired, or an older
 * epoch; the error of the contract is added.
 */
enum err account_load(
    struct req *r, const struct claims *claims, struct account **out);

/*
 * Whether a statement that looked for a session (column outcome: ok, inactive,
 * ended) found one: `e` is its error. Otherwise ERR_UNAUTHORIZED with the
 * contract's body; `ended` and `token_message` (NULL: none) are those of a
 * session that has ended. ERR_INTERNAL, logged: any other word.
 */
enum err account_check(struct req *r, enum err e, const struct row *row,
    enum msg ended, const char *token_message);

/* Packs it for the cache, and unpacks it (false: invalid or another release).
 */
void account_pack(const struct account *a, struct buf *out);
bool account_unpack(
    TALLOC_CTX *mem, const char *p, size_t n, struct account **out);

#endif
