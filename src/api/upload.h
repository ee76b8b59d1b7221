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

/* Removes what upload_save() stored. */
void upload_remove(struct req *r, const char *path);

/* Is it a path as upload_save() makes them (not one that comes with the
 * program)? */
bool upload_is_ours(const char *path);

/* Removes <media_root>/<path>; a failure is logged. */
void upload_unlink(TALLOC_CTX *mem, const char *media_root, const char *path);

#endif
