/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON representation of a movie.
 */
#include "base/base.h"

#include "movies/movies.h"

const struct column movie_shape[] = {
	{ "id", C_INT, NULL },
	{ "title", C_TEXT, NULL },
	{ "slug", C_TEXT, NULL },
	{ "release_date", C_DATE, NULL },
	{ "synopsis", C_TEXT, NULL },
	{ "cover", C_TEXT, NULL },
	{ "genres", C_JSON, NULL },
	{ "awards", C_JSON, NULL },
	{ "platforms", C_JSON, NULL },
	{ "actors", C_JSON, NULL },
	{ "directors", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};
