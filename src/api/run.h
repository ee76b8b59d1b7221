/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the statement of a request: binds its parameters from the request by
 * name, and converts its outcome to an error.
 *
 *	e = run_one(r, SQL_rating_get, &row);
 *
 * Names, in this order of precedence:
 *
 *	values of bind_arg()
 *	viewer, viewer_name     id and user name of the caller
 *	language                code of the language of the request
 *	traceparent             arg_traceparent()
 *	a parameter of the path (bigint if it is a number)
 *	a field of the input table of the route, with its type; absent: NULL,
 *	but false for a boolean of the query, INT64_MAX for a cursor (T_CURSOR)
 *
 * Any other name is a bug and fails an assertion, as in input_of().
 *
 * A violated unique constraint is the outcome `exists`, because a statement
 * that looks for the row first can be overtaken. If src/outcomes.def has no
 * such row, ERR_CONFLICT is returned, and the handler adds the error.
 *
 * The outcome is column `outcome` of the first row (row_outcome()), which is
 * looked up in src/outcomes.def together with the route; "ok" without such a
 * column. No row: what the last parameter of the path names is missing, 404; on
 * a route without parameters a :one statement with :viewer found no account for
 * the caller, 401 (without :viewer it is a bug, 500), and an empty result of a
 * :many statement is not an error. A violated foreign key is the 404 of a
 * parameter or that 401, by the table `references` in run.c. The error has been
 * added: the caller only returns it.
 */
#ifndef API_RUN_H
#define API_RUN_H

#include "base/base.h"

#include "db/arg.h"
#include "db/row.h"
#include "db/stmt.h"
#include "http/request.h"

/* Sets the value of parameter `name` for the following statements. */
void bind_arg(struct req *r, const char *name, struct arg value);

/* The header traceparent for what the request calls, or NULL; as :traceparent.
 */
struct arg arg_traceparent(const struct req *r);

/* Runs a :one or :owned statement; *out is its row. */
enum err run_one(struct req *r, enum stmt s, struct row *out);

/* Runs a :many statement. */
enum err run_all(struct req *r, enum stmt s, struct rows *out);

/*
 * The number of rows that are items of the list. A single row whose column `id`
 * is NULL is not an item: it has only values for the whole list (outcome,
 * total).
 */
int rows_listed(const struct rows *rows);

#endif
