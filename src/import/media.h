/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies pictures of an import to media_root. Existing files are not replaced.
 */
#ifndef IMPORT_MEDIA_H
#define IMPORT_MEDIA_H

#include "base/base.h"

struct media_copy {
	long copied;
	long there;
	char *why; /* the error message */
};

/*
 * Copies all regular files of the directory `from` (may be missing) and its
 * subdirectories to `to`, which must exist. If run by root, new files belong to
 * the owner of `to`; links within `to` are not followed. Names may have
 * letters, digits and . _ - only.
 */
bool media_copy(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out);

/*
 * The default pictures, which are column defaults: paths below media_root,
 * terminated by NULL.
 */
extern const char *const media_defaults[];

/*
 * Copies media_defaults that are missing in `to`, as media_copy() does, from
 * the directory where they were installed, `from`.
 */
bool media_copy_defaults(
    TALLOC_CTX *mem, const char *from, const char *to, struct media_copy *out);

/* Pictures by their paths, which have no parts . and .. or empty ones. */
struct media_list {
	const char *const *paths;
	size_t n;
	bool dry_run; /* only look for them */
	void (*missing)(void *arg, size_t i);
	void *arg;
};

/* Copies these, as media_copy() does; `from` must exist. */
bool media_copy_list(TALLOC_CTX *mem, const char *from, const char *to,
    const struct media_list *list, struct media_copy *out);

#endif
