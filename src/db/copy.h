/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bulk loading: a :copy statement (COPY … FROM STDIN in its default format) and
 * rows of text. Between begin and end the connection takes nothing else.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "base/base.h"

#include "db/db.h"
#include "db/stmt.h"

struct copy;

/* Starts; the handle hangs below `mem` and aborts when it is freed unended. */
enum err copy_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy **out);

/* One row of n fields; NULL is SQL's NULL. Texts are UTF-8 without NUL. */
enum err copy_row(struct copy *c, const char *const *fields, int n);

/* Ends, frees the handle and says how many rows came in (may be NULL). */
enum err copy_end(struct copy *c, long *rows);

/* Gives up what was sent, with a reason for the server's log. */
void copy_abort(struct copy *c, const char *why);

#endif
