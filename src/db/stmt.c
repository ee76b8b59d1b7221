/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of statements.
 */
#include "base/base.h"

#include "db/stmt.h"

/* ISO C guarantees only 4095 bytes of text; gcc and clang support more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static const struct stmt_info statements[] = {
#define STMT(NAME, MODE, READS, WITHIN, COUNT, NAMES, TYPES, TEXT) \
	{ #NAME, STMT_##MODE, READS, WITHIN, COUNT, NAMES, TYPES, TEXT },
#include "stmts.def"
#undef STMT
};

const struct stmt_info *
stmt_info(enum stmt s)
{
	assert((size_t)s < array_len(statements));
	return &statements[s];
}
