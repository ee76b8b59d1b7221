/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploaded pictures: checked, converted by mxm-image and stored.
 *
 * A picture is a set of files <folder>/<hash>-<width>.jpg and .webp below
 * media_root, in the widths of base/image.h. The hash is that of all of them,
 *so a name never gets another content, and equal pictures share their files.
 *The database has the path of the widest JPEG.
 *
 * How a handler stores a picture, for a field of type T_FILE (compare
 * users/signup.c):
 *
 *	e = upload_and_run(r, input_of(r, "picture")->file, "users", update,
 *	    &row);
 *
 * where update() binds the path it is given (NULL: none was sent) and runs the
 * statement. field_check_picture() comes before, beside the checks of the other
 * fields. The route is one of the slow pool. A picture that was replaced is not
 *removed by the handler: job prune_accounts removes files that no account has.
 */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "base/base.h"

#include "http/body.h"
#include "http/request.h"

/*
 * Whether it begins like a JPEG, PNG, WebP or GIF picture and is not larger
 * than the setting upload_limit.
 */
bool upload_is_picture(const struct req *r, const struct upload *u);

/* Adds the error of field `picture`, which names the formats and limits. */
void upload_refuse(struct req *r);

/* Runs the statement that stores the path of a picture (NULL: none). */
typedef enum err upload_statement(
    struct req *r, const char *picture, void *arg);

/*
 * Converts and stores a picture, if any, runs the statement with its path, and
 * removes the files that no account has if a file or the statement fails;
 * db_constraint() is still that of the statement. If the outcome of the
 * statement is unknown (ERR_UNAVAILABLE), the files stay for the job: an unused
 * file is less harmful than a row without its file.
 *
 * ERR_INVALID: the picture is refused, the error of field `picture` was added;
 * ERR_UNAVAILABLE: it could not be converted or written.
 */
enum err upload_and_run(struct req *r, const struct upload *u,
    const char *folder, upload_statement *run, void *arg);

/*
 * Whether it is the path of a picture as it is in the database: not a default
 * picture, not another width or format of a picture. Also true for the single
 * file of any format that earlier versions stored.
 */
bool upload_is_ours(const char *path);

/*
 * Locks the folder of pictures against upload_and_run(), which holds a shared
 * lock from the first file until its statement has ended: what is unused while
 * this lock is held can be removed. -1: the folder does not exist, or an error
 * that was logged. Closing the descriptor unlocks.
 */
int upload_lock(TALLOC_CTX *mem, const char *media_root, const char *folder);

/*
 * Removes all files of the picture with this path; the widest JPEG last, so
 * that the job finds the others if it is interrupted. A failure is logged.
 */
void upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path);

#endif
