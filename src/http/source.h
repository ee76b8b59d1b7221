/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sources of field values: a query, a form or a JSON object, with one
 * interface.
 */
#ifndef HTTP_SOURCE_H
#define HTTP_SOURCE_H

#include "base/base.h"

#include "http/field.h"

struct body;
struct json_object;
struct params;

/* One of the two is set. */
struct source {
	const struct params *query;
	const struct body *body;
};

enum raw_kind {
	RAW_ABSENT,
	RAW_NULL,
	RAW_TEXT,
	RAW_INT,
	RAW_DOUBLE,
	RAW_BOOL,
	RAW_LIST,
	RAW_FILE,
	RAW_BAD, /* bytes that are not text */
	RAW_OTHER
};

struct raw {
	enum raw_kind kind;
	const char *text;
	int64_t number; /* RAW_INT; RAW_BOOL as 0 or 1 */
	double fraction;
	const struct upload *file;
	struct json_object *list;
};

/*
 * The last value with that name, as in the original. A list may also be named
 * `name[]`.
 */
struct raw source_last(const struct source *s, const struct field *f);

/*
 * All values of a list in *list, allocated below the request, and their number.
 * A single value is a list of one; null and an empty query parameter are
 * ignored.
 */
size_t source_all(struct req *r, const struct source *s, const struct field *f,
    struct raw **list);

#endif
