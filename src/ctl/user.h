/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subcommands of mxmctl user that read a password.
 */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "base/base.h"

#include "ctl/ctl.h"
#include "db/row.h"

/* What the options of mxmctl user have set, and the operands. */
struct user_options {
	bool admin, no, now, end_all;
	const char *end, *language;
	int64_t limit;
	int n;
	char **operands; /* ends with NULL */
};

/* Creates an account. Returns the exit status, as the other two. */
int user_create(
    struct ctl *ctl, struct db *db, const struct user_options *options);

/* Imports the history of a user from a file. */
int user_import(struct ctl *ctl, struct db *db, const struct row *user,
    const struct user_options *options);

/* Sets the password of the user in `row` (statement admin_user_find). */
int user_set_password(struct ctl *ctl, struct db *db, const struct row *row);

/*
 * Raises what later changes over `db` make stale in the answer cache, so that
 * workers see a change when the command returns, even if mxm-jobs is not
 * running. If memcached is unavailable, mxm-jobs raises it later.
 */
enum err user_raise_touched(struct ctl *ctl, struct db *db);

/* Prints {"id": …, "username": …, "done": <what>}, or a line. */
int user_done(
    struct ctl *ctl, const struct row *row, const char *what, const char *text);

/*
 * A password below ctl->mem: a line of standard input, or of the terminal
 * without echo, there asked twice. NULL: none, with a message; status of the
 * command EX_DATAERR.
 */
char *ctl_password(struct ctl *ctl);

/* Prints a text without the control characters that imported ones can have. */
void ctl_put_plain(const char *s);

/*
 * All of standard input below ctl->mem, `n` bytes and a NUL; NULL: after a
 * message, it cannot be read, or has more than `max` bytes. `file`: the name of
 * what it was redirected from; NULL or "-": none.
 */
char *ctl_input(struct ctl *ctl, const char *file, size_t max, size_t *n);

#endif
