/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of mxmctl export: what a site has, as JSON lines.
 */
#ifndef IMPORT_SITE_H
#define IMPORT_SITE_H

#include "base/base.h"

#include "db/stmt.h"

#define SITE_FORMAT   1
#define SITE_MANIFEST "manifest.json"

/*
 * Bytes of a line: export refuses to write a longer one, so that every export
 * can be imported. The longest that the API can make is the audit entry of a
 * movie or a list with as many links as it may have, about 30 MiB.
 */
#define SITE_LINE_MAX      ((size_t)64 * 1024 * 1024)
#define SITE_LINE_TOO_LONG "longer than 64 MiB"

/* A kind of rows: file <name>.jsonl. */
struct site_kind {
	const char *name;
	enum stmt copy; /* writes them */
};

/* In the order in which they can be inserted; the end has no name. */
extern const struct site_kind site_kinds[];

#endif
