/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archive of all that is stored about a user: a ZIP file with a table for
 * each kind of data, as JSON and as CSV, and the picture.
 */
#ifndef JOBS_ARCHIVE_H
#define JOBS_ARCHIVE_H

#include "base/base.h"

#include "db/db.h"
#include "import/progress.h"

struct archive {
	unsigned char *data; /* below the context given */
	size_t len;
};

/*
 * Reads everything of account `user_id` and packs it. `limit`: most bytes of
 * the tables, as text; 0: any. `shown`: its progress; NULL: none.
 * ERR_TOO_LARGE: more than that. ERR_INTERNAL: libzip failed (logged). Others:
 * of the statements.
 */
enum err archive_make(TALLOC_CTX *mem, struct db *db, int64_t user_id,
    const char *media_root, size_t limit, struct progress *shown,
    struct archive *out);

#endif
