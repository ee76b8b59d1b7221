/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploaded pictures: what is accepted, and how one is stored.
 */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "base/base.h"

#include "http/body.h"
#include "http/request.h"

/*
 * Is it a JPEG, PNG, WebP or GIF picture, by its first bytes, and no larger
 * than the setting upload_limit?
 */
bool upload_is_picture(const struct req *r, const struct upload *u);

/*
 * Stores a picture that passed upload_is_picture() under a random name of our
 * own in <media_root>/<folder>/; nothing of the name that was sent is used.
 * *path is what is kept in the database ("users/….jpg"). The file is on the
 * disk, whole, when this returns. ERR_UNAVAILABLE when it cannot be written.
 */
enum err upload_save(
    struct req *r, const struct upload *u, const char *folder, char **path);

/* Runs the statement that stores the path of a picture (NULL: none). */
typedef enum err upload_statement(
    struct req *r, const char *picture, void *arg);

/*
 * Saves a picture, if there is one, runs the statement with its path, and
 * removes the file when the statement fails. Where the connection was lost
 * nobody knows whether the row is there, and the file stays: one that no row
 * names does less harm than a row without its file.
 */
must_check enum err upload_and_run(struct req *r, const struct upload *u,
    const char *folder, upload_statement *run, void *arg);

/* Is it a path as upload_save() makes them (not one that comes with the
 * program)? */
bool upload_is_ours(const char *path);

/* Removes <media_root>/<path>; a failure is logged. */
void upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path);

#endif
