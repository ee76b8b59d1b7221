/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line of the demonstration's files, as a JSON object, checked against a
 * declared list of members: what passes here the database takes.
 */
#ifndef IMPORT_RECORD_H
#define IMPORT_RECORD_H

#include "base/base.h"

struct json_object;

enum record_type {
	R_END,
	R_TEXT, /* at most `max` characters, 0: any number */
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
	bool wanted; /* must be there */
	size_t max;
	const char *choices;
};

/*
 * Parses a line strictly (UTF-8, no NUL, one object, nothing behind it). NULL:
 * *why says what is wrong, below `mem`. The object lives as long as `mem`.
 */
struct json_object *record_parse(
    TALLOC_CTX *mem, const char *line, size_t n, const char **why);

/*
 * Checks the members; unknown ones are refused. NULL, or what is wrong, below
 * `mem`. Members that are null or, if not wanted, empty texts are taken out.
 */
const char *record_check(TALLOC_CTX *mem, struct json_object *record,
    const struct record_field *fields);

/* A member's text, NULL when it is not there. */
const char *record_text(struct json_object *record, const char *name);

#endif
