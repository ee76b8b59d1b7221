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

#endif
