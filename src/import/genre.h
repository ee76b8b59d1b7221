/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The genres of an import: names are collected while movies are read, and
 * inserted once.
 */
#ifndef IMPORT_GENRE_H
#define IMPORT_GENRE_H

#include "base/base.h"

#include "base/buf.h"
#include "import/import.h"
#include "import/table.h"

#define GENRES_MAX     64 /* of an import */
#define GENRE_OF_MOVIE 32

struct genre {
	const char *name;
	const char *slug;
};

struct genres {
	struct import *im;
	int count;
	struct genre known[GENRES_MAX];
};

/* The genres of the current row of a table. */
struct genre_list {
	struct genres *genres;
	struct table *table;
	struct buf array;
	int count;
};

void genre_list_init(struct genre_list *list, TALLOC_CTX *mem,
    struct genres *genres, struct table *table);

/*
 * Adds a genre; names that cannot be used, and more than GENRE_OF_MOVIE, are
 * dropped and reported.
 */
void genre_list_add(struct genre_list *list, const char *name);

/* Adds the parts of a text, "Adventure|Sci-Fi". */
void genre_list_split(
    struct genre_list *list, const char *text, const char *separator);

/* The list as an array of the server, {"Adventure","Sci-Fi"}. */
const char *genre_list_text(struct genre_list *list);

/* Fills import_genre and inserts the missing genres; counts "genres". */
enum err genres_store(struct genres *genres);

#endif
