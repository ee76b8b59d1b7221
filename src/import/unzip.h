/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the files of a ZIP archive in memory, which may be hostile: paths are
 * only names, sizes are checked while reading.
 */
#ifndef IMPORT_UNZIP_H
#define IMPORT_UNZIP_H

#include "base/base.h"

#include "base/buf.h"

struct unzip;

/*
 * Opens an archive; `data` must live as long as it. Freeing `mem` closes it.
 * ERR_INVALID: it is not a valid archive, *why is the reason.
 */
enum err unzip_open(TALLOC_CTX *mem, const void *data, size_t n,
    struct unzip **out, const char **why);

/* Number of entries, directories included. */
int64_t unzip_count(const struct unzip *u);

/*
 * The path of an entry, below `mem`; bytes that are not printable text are
 * replaced by "?", and it has at most 255 bytes.
 */
char *unzip_name(TALLOC_CTX *mem, const struct unzip *u, int64_t i);

/*
 * The content of an entry, with a NUL at its end that is not counted.
 * ERR_FORBIDDEN: it is encrypted; ERR_TOO_LARGE: more than `limit` bytes;
 * ERR_INVALID: it is damaged, *why is the reason.
 */
enum err unzip_read(TALLOC_CTX *mem, struct unzip *u, int64_t i, size_t limit,
    struct buf *out, const char **why);

#endif
