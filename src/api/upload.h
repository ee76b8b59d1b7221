/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validation and storage of uploaded pictures.
 */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "base/base.h"

#include "http/body.h"
#include "http/request.h"

/*
 * Whether it is a JPEG, PNG, WebP or GIF picture, by its first bytes, and not
 * larger than the setting upload_limit.
 */
bool upload_is_picture(const struct req *r, const struct upload *u);

/*
 * Stores a picture accepted by upload_is_picture() under a random name in
 * <media_root>/<folder>/; the sent file name is not used. *path is for the
 * database
 * ("users/….jpg"). The file is synced when this returns. ERR_UNAVAILABLE if it
 * cannot be written.
 */
enum err upload_save(
    struct req *r, const struct upload *u, const char *folder, char **path);

/* Runs the statement that stores the path of a picture (NULL: none). */
typedef enum err upload_statement(
    struct req *r, const char *picture, void *arg);

/*
 * Saves a picture, if any, runs the statement with its path, and removes the
 * file if the statement fails. If the connection was lost, the row may exist,
 * so the file is not removed: an unused file is less harmful than a row without
 * its file.
 */
enum err upload_and_run(struct req *r, const struct upload *u,
    const char *folder, upload_statement *run, void *arg);

/* Whether it is a path of upload_save(), not one of a default picture. */
bool upload_is_ours(const char *path);

/* Removes <media_root>/<path>; a failure is logged. */
void upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path);

#endif
