/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Genres.
 */
#include "base/base.h"

#include "base/mem.h"
#include "base/text.h"
#include "db/copy.h"
#include "import/genre.h"

#define NAME_MAX_LENGTH 32

void
genre_list_init(struct genre_list *list, TALLOC_CTX *mem, struct genres *genres,
    struct table *table)
{
	*list = (struct genre_list){ .genres = genres, .table = table };
	buf_init(&list->array, mem, 128);
	buf_putc(&list->array, '{');
}

/* NULL: the genre is known, or is now; else why it cannot be. */
static const char *
know(struct genres *g, const char *name)
{
	const char *slug;

	for (int i = 0; i < g->count; i++) {
		if (strcmp(g->known[i].name, name) == 0)
			return NULL;
	}
	if (text_length(name) > NAME_MAX_LENGTH)
		return "longer than 32 characters";
	if (g->count == GENRES_MAX)
		return "one of more than 64 genres";
	slug = text_slug(g->im->mem, name);
	if (!*slug)
		return "no letter or digit";
	g->known[g->count].name = mem_text(g->im->mem, name);
	g->known[g->count++].slug = slug;
	return NULL;
}

void
genre_list_add(struct genre_list *list, const char *name)
{
	const char *why;

	if (list->count > GENRE_OF_MOVIE)
		return;
	if (list->count == GENRE_OF_MOVIE) {
		table_drop(list->table, "too many genres",
		    "more than %d genres", GENRE_OF_MOVIE);
		list->count++;
		return;
	}
	why = strpbrk(name, "\"\\") ? "a quote or backslash" :
				      know(list->genres, name);
	if (why) {
		table_drop(list->table, "unusable genre", "genre \"%.40s\": %s",
		    name, why);
		return;
	}
	buf_printf(
	    &list->array, "%s\"%s\"", list->count++ > 0 ? "," : "", name);
}

void
genre_list_split(
    struct genre_list *list, const char *text, const char *separator)
{
	char *save, *name;
	char *copy = mem_text(list->genres->im->mem, text);

	for (name = strtok_r(copy, separator, &save); name;
	     name = strtok_r(NULL, separator, &save))
		genre_list_add(list, name);
	talloc_free(copy);
}

const char *
genre_list_text(struct genre_list *list)
{
	buf_putc(&list->array, '}');
	return list->array.data;
}

static enum err
copy_all(struct genres *g)
{
	struct import *im = g->im;
	struct copy *c;
	enum err e = copy_begin(im->mem, im->db, SQL_import_genre_copy, &c);

	if (e)
		return e;
	for (int i = 0; i < g->count && !e; i++)
		e = copy_row(c,
		    (const char *[]){ g->known[i].name, g->known[i].slug }, 2);
	if (e)
		copy_abort(c, "reading failed");
	else
		e = copy_end(c, NULL);
	return e;
}

enum err
genres_store(struct genres *g)
{
	struct import *im = g->im;
	struct tally *tally = report_tally(&im->report, "genres");
	enum err e;

	tally->read = g->count;
	e = import_exec(im, SQL_import_genre_stage, NULL);
	if (e)
		return e;
	e = copy_all(g);
	if (e)
		return import_database_failed(im, e);
	return import_exec(im, SQL_import_genre_add, &tally->added);
}
