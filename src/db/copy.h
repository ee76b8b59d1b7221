/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bulk loading and reading: :copy statements, in the text format. Between begin
 * and end no other statement can run on the connection.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "base/base.h"

#include "db/db.h"
#include "db/stmt.h"

struct copy;

/* Starts COPY … FROM STDIN; the handle is allocated below `mem`; freeing it
 * before the end aborts. */
enum err copy_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy **out);

/* One row of n fields; NULL is SQL's NULL. Texts are UTF-8 without NUL. */
enum err copy_row(struct copy *c, const char *const *fields, int n);

/* Ends and frees the handle; *rows is the number of rows (may be NULL). */
enum err copy_end(struct copy *c, long *rows);

/* Aborts, with a reason for the log of the server. */
void copy_abort(struct copy *c, const char *why);

struct copy_reader;

/*
 * Starts COPY … TO STDOUT, for more rows than fit in memory.
 * Freeing it before the end cancels it.
 */
enum err copy_read_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy_reader **out);

/*
 * The next row, of n numbers. After any error the reader has been freed.
 * ERR_NOT_FOUND: no more rows. ERR_INVALID: a field is NULL or not an integer
 * of 64 bits. ERR_UNAVAILABLE: as for any statement, also if the flag of
 * db_interrupt() is set.
 */
enum err copy_read_row(struct copy_reader *r, int64_t *numbers, int n);

/*
 * The next row, which is one JSON text, with a line feed at its end; valid
 * until the next call. Errors as above.
 */
enum err copy_read_text(struct copy_reader *r, const char **text, size_t *n);

#endif
