/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: interface for other modules.
 */
#ifndef USERS_USERS_H
#define USERS_USERS_H

#include "base/base.h"

#include "api/shape.h"
#include "db/stmt.h"
#include "http/request.h"

/* A user as others see them: fragment user_columns. */
extern const struct column user_shape[];

/* The same on the page of the user, with taste_match. */
extern const struct column profile_shape[];

/* The profile of the caller. */
extern const struct column self_shape[];

/*
 * Checks the fields of a sign-up (signup_input) in a request, and inserts the
 * account by a statement with the parameters of account_insert and those of
 * bind_arg(). Errors, also of a name or address that is taken, have been added.
 */
enum err signup_insert(struct req *r, enum stmt statement, struct row *row);

#endif
