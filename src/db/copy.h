/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bulk loading and reading: :copy statements, in their default format. Between
 * begin and end the connection takes nothing else.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "base/base.h"

#include "db/db.h"
#include "db/stmt.h"

struct copy;

/* COPY … FROM STDIN: starts; the handle hangs below `mem` and aborts when it is
 * freed unended. */
enum err copy_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy **out);

/* One row of n fields; NULL is SQL's NULL. Texts are UTF-8 without NUL. */
enum err copy_row(struct copy *c, const char *const *fields, int n);

/* Ends, frees the handle and says how many rows came in (may be NULL). */
enum err copy_end(struct copy *c, long *rows);

/* Gives up what was sent, with a reason for the server's log. */
void copy_abort(struct copy *c, const char *why);

struct copy_reader;

/*
 * COPY … TO STDOUT of whole numbers, for more rows than a result should hold:
 * starts. When it is freed before the end, the server is told to stop.
 */
enum err copy_read_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy_reader **out);

/*
 * The next row, of n numbers. After anything but ERR_OK the reader is gone.
 * ERR_NOT_FOUND: there are no more rows. ERR_INVALID: a field is NULL or no
 * whole number of 64 bits. ERR_UNAVAILABLE: as of any statement, so also when
 * what db_interrupt() was given is set.
 */
enum err copy_read_row(struct copy_reader *r, int64_t *numbers, int n);

#endif
