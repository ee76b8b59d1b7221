/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies the pictures that come with a collection to where nginx serves them
 * from. A file that is there already is left alone.
 */
#ifndef IMPORT_MEDIA_H
#define IMPORT_MEDIA_H

#include "base/base.h"

struct media_copy {
	long copied;
	long there;
	char *why; /* after a failure: a sentence */
};

/*
 * Copies all regular files of the folder `from` (none: nothing to do) and of
 * the folders in it into `to`, which must be there. What is made belongs to the
 * owner of `to` when root does it; links are not followed within `to`. Other
 * than plain names (letters, digits, . _ -) are refused.
 */
bool media_copy(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out);

/*
 * The pictures of who and what has none, as tables name them by default: paths
 * below media_root, NULL at the end.
 */
extern const char *const media_defaults[];

/*
 * Copies media_defaults that are missing in `to`, as media_copy() does, from
 * the folder of the demonstration, `from`.
 */
bool media_copy_defaults(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out);

#endif
