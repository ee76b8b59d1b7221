/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The named statements of sql/<module>.sql. sql/gen.awk generates stmts.def
 * from them at build time: name, mode, whether it is read-only, its timeout,
 * number, names and types of its parameters, text.
 */
#ifndef DB_STMT_H
#define DB_STMT_H

#include "base/base.h"

enum stmt {
#define STMT(NAME, MODE, READS, WITHIN, COUNT, NAMES, TYPES, TEXT) SQL_##NAME,
#include "stmts.def"
#undef STMT
	SQL__MAX
};

/*
 * ONE: at most one row is read. OWNED: as ONE, with a fragment {{owned_…}} that
 * checks whether the row belongs to the caller, and a column `outcome`. MANY:
 * any number of rows. EXEC: no rows, only the number of changed ones. COPY: for
 * copy_begin() or copy_read_begin(). SCRIPT: several statements without
 * parameters, for query_script(). The last two cannot be prepared.
 */
enum stmt_mode {
	STMT_ONE,
	STMT_OWNED,
	STMT_MANY,
	STMT_EXEC,
	STMT_COPY,
	STMT_SCRIPT
};

struct stmt_info {
	const char *name;
	enum stmt_mode mode;
	bool reads;
	int within_ms; /* its timeout; 0: from the settings */
	int count;
	const char *names; /* "viewer,movie" */
	const char *types; /* "bigint,text" */
	const char *text;
};

/* The entry of the table; static. */
const struct stmt_info *stmt_info(enum stmt s);

#endif
