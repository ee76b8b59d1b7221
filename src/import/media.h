/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies pictures of an import to media_root. Existing files are not replaced.
 */
#ifndef IMPORT_MEDIA_H
#define IMPORT_MEDIA_H

#include "base/base.h"

#include <signal.h>

struct progress;

struct media_copy {
	const char *from;
	const char *to;                    /* must exist */
	const volatile sig_atomic_t *stop; /* by a handler; or NULL */
	struct progress *progress;         /* NULL: not shown */
	long copied;
	long there;
	char *why; /* the error message */
};

/*
 * Copies all regular files of the directory `from` (may be missing) and its
 * subdirectories to `to`. If run by root, new files belong to the owner of
 * `to`. Links within the two are not followed. Names may have letters, digits
 * and . _ - only. A file has its name when it is complete: after an error, and
 * when *stop is set, no part of one is left.
 */
bool media_copy(TALLOC_CTX *mem, struct media_copy *copy);

/*
 * The default pictures, which are column defaults: paths below media_root,
 * terminated by NULL.
 */
extern const char *const media_defaults[];

/*
 * Copies media_defaults that are missing in `to`, as media_copy() does, from
 * the directory where they were installed, `from`.
 */
bool media_copy_defaults(TALLOC_CTX *mem, struct media_copy *copy);

/* Pictures by their paths, which have no parts . and .. or empty ones. */
struct media_list {
	const char *const *paths;
	size_t n;
	bool dry_run;                                  /* only look for them */
	void (*missing)(void *arg, size_t i, int why); /* an errno */
	void *arg;
};

/* Copies these, as media_copy() does; `from` must exist. */
bool media_copy_list(
    TALLOC_CTX *mem, struct media_copy *copy, const struct media_list *list);

#endif
