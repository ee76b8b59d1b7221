/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Titles as MovieLens writes them: "Matrix, The (1999)".
 */
#ifndef IMPORT_TITLE_H
#define IMPORT_TITLE_H

#include "base/base.h"

struct title {
	char *text; /* "The Matrix" */
	int year;   /* 0: none was given */
};

/*
 * Takes the year (of a range the first) off the end and puts articles back in
 * front, also within the other names in brackets, which stay:
 * "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)" becomes
 * "Amelie (Le Fabuleux destin d'Amélie Poulain)". What stands in brackets
 * behind the year stays: "Ring, The (2002)[HD]" is "The Ring [HD]".
 */
void title_split(TALLOC_CTX *mem, const char *raw, struct title *out);

/*
 * Cuts a slug, valid UTF-8, to its first `max` characters, and hyphens off the
 * end.
 */
void title_slug_cut(char *s, size_t max);

#endif
