/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The statement of a request: its parameters come from the request by their
 * names, and the ways in which it can end become the answer.
 *
 *	e = run_one(r, SQL_rating_get, &row);
 *
 * Names, in this order of precedence:
 *
 *	what bind_arg() gave
 *	viewer, viewer_name     id and user name of the caller
 *	language                code of the request's language
 *	a parameter of the path (bigint where it is a number)
 *	a field of the route's input table, with its type; absent: NULL, but a
 *	boolean of the query false and a cursor (T_CURSOR) INT64_MAX
 *
 * Another name is a bug and ends the process, as with input_of().
 *
 * How it ends: a column `outcome` of the first row, looked up in
 * src/outcomes.def together with the route; "ok" when there is none. No row:
 * what the last parameter of the path names is missing, 404; on a route without
 * parameters a :one statement found no account for the caller, 401, and a
 * :many statement has found nothing, which is no failure. All is recorded: the
 * caller returns the error and does nothing else.
 */
#ifndef API_RUN_H
#define API_RUN_H

#include "base/base.h"

#include "db/arg.h"
#include "db/row.h"
#include "db/stmt.h"
#include "http/request.h"

/* The value of parameter `name` in the statements that follow. */
void bind_arg(struct req *r, const char *name, struct arg value);

/* Runs a :one or :owned statement; *out is its row. */
enum err run_one(struct req *r, enum stmt s, struct row *out);

/* Runs a :many statement. */
enum err run_all(struct req *r, enum stmt s, struct rows *out);

/*
 * How many rows are items of the list. A single row whose column `id` is NULL
 * is none: it has only what concerns the whole list (outcome, total).
 */
int rows_listed(const struct rows *rows);

/*
 * The word that the first row has for the outcome: "ok" where it has none. For
 * handlers whose success has two answers.
 */
const char *outcome_of(const struct row *row);

#endif
