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

/* A kind of rows: file <name>.jsonl. */
struct site_kind {
	const char *name;
	enum stmt copy; /* writes them */
};

/* In the order in which they can be inserted; the end has no name. */
extern const struct site_kind site_kinds[];

#endif
