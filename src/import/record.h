/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line of the demonstration files, as a JSON object, validated against a list
 * of members so that the database accepts it.
 */
#ifndef IMPORT_RECORD_H
#define IMPORT_RECORD_H

#include "base/base.h"

struct json_object;

enum record_type {
	R_END,
	R_TEXT, /* at most `max` characters, 0: unlimited */
	R_NAME, /* as R_TEXT, and not blank */
	R_SLUG, /* as R_NAME: word characters, hyphens, dots and the like */
	R_USERNAME,
	R_EMAIL,
	R_CHOICE, /* one of `choices`, "|en|es|" */
	R_DATE,   /* 1999-03-31 */
	R_TIME,   /* 2025-01-31T20:15:00Z */
	R_INT,    /* 0 to max; a text of digits will do */
	R_NUMBER,
	R_BOOL,
	R_SLUGS, /* a list of slugs */
	R_TEXTS, /* per language a text of at most `max` characters */
	R_TITLES /* per language title (at most `max`) and synopsis */
};

struct record_field {
	const char *name;
	enum record_type type;
	bool wanted; /* required */
	size_t max;
	const char *choices;
};

/*
 * Parses a line strictly (UTF-8, no NUL, one object, nothing after it). NULL:
 * *why is the error, below `mem`. The object lives as long as `mem`.
 */
struct json_object *record_parse(
    TALLOC_CTX *mem, const char *line, size_t n, const char **why);

/* The same for a list. */
struct json_object *record_parse_list(
    TALLOC_CTX *mem, const char *text, size_t n, const char **why);

/* "1999-03-31", a date that exists. */
bool record_is_date(const char *s);

/*
 * Validates the members; unknown ones are errors. NULL, or the error, below
 * `mem`. Members that are null or, if optional, empty texts are removed.
 */
const char *record_check(TALLOC_CTX *mem, struct json_object *record,
    const struct record_field *fields);

/* The text of a member, NULL: missing. */
const char *record_text(struct json_object *record, const char *name);

#endif
