/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the values of declared fields come from: a query, a form or a JSON
 * object, all seen alike.
 */
#ifndef HTTP_SOURCE_H
#define HTTP_SOURCE_H

#include "base/base.h"

#include "http/field.h"

struct body;
struct json_object;
struct params;

/* Where values come from; one of the two. */
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
	RAW_BAD, /* bytes that are no text */
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
 * The value of that name; of several the last, as the original takes it. A list
 * may also be called `name[]`.
 */
struct raw source_last(const struct source *s, const struct field *f);

/*
 * All values of a list in *list, which belongs to the request, and how many
 * there are. A single value is a list of one; null, and an empty filter of a
 * query, count for nothing.
 */
size_t source_all(struct req *r, const struct source *s, const struct field *f,
    struct raw **list);

#endif
