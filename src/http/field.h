/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declared input: a route names its fields in a table, and what reaches the
 * handler is typed and inside its limits. All errors are collected.
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/base.h"

#include "http/request.h"
#include "i18n/msg.h"

/* Values of one list parameter; more are an error. */
#define FIELD_LIST_MAX 50

/* Lengths of texts that several routes take, in code points. */
enum field_length {
	LENGTH_LANG = 16,
	LENGTH_NAME = 150,
	LENGTH_EMAIL = 254,
	LENGTH_SLUG = 255,
	LENGTH_PASSWORD = 4096,
	LENGTH_TOKEN = 4096,
	LENGTH_BIO = 10000
};

enum field_from { FROM_NONE, FROM_QUERY, FROM_BODY, FROM_FILE };

enum field_type {
	T_TEXT,  /* as it came (NUL and bad UTF-8 refused) */
	T_PROSE, /* text of a person; the markup guard is undone */
	T_INT,   /* integer or integer string; fractions and booleans refused */
	T_BOOL,  /* JSON true or false; in a query exactly "true", else false */
	T_CHOICE, /* one of `choices`, given as "P,F,R" */
	T_LIST,   /* repeated text: name, name[], or a single value */
	T_INTS,   /* the same, integers (anything else is an error) */
	T_PAGE,   /* page number: digits, else the default; clamped */
	T_LIMIT,  /* page size: 1..100, else the default; more means 100 */
	T_CURSOR, /* last_id: digits, else absent */
	T_FILE    /* one uploaded picture */
};

enum field_flags {
	REQUIRED = 1,  /* key must be there (null counts as there) */
	NULLABLE = 2,  /* null is a value */
	NOT_BLANK = 4, /* white space alone is an error */
	DIGITS_ONLY = 8,
	SECRET = 16,     /* never repeated in an error, never logged */
	LENIENT = 32,    /* T_TEXT: what is not text, or too long, is absent */
	NORMALIZED = 64, /* T_TEXT: in Unicode's form NFKC, and so measured */
	/* only what is four times too long is refused; the handler has rules
	 * for several fields together, and measures as well */
	MEASURED_LATER = 128
};

struct field {
	const char *name;
	enum field_from from;
	enum field_type type;
	int flags;
	int64_t min, max; /* T_INT, when max > min; T_LIMIT: default in `def` */
	int64_t def;      /* default of T_PAGE, T_LIMIT */
	size_t max_length;     /* code points; every text and list has one */
	const char *choices;   /* T_CHOICE */
	enum msg required_msg; /* instead of the style's text, MSG_NONE: the
				  style's */
	enum msg invalid_msg;
};

struct field_value {
	bool given;       /* the key was there and not null */
	bool is_null;     /* the key was there, its value null */
	const char *text; /* T_TEXT T_PROSE T_CHOICE */
	int64_t number;   /* T_INT T_PAGE T_LIMIT T_CURSOR, T_BOOL as 0 or 1 */
	const char **texts; /* T_LIST */
	int64_t *numbers;   /* T_INTS */
	size_t count;
	const struct upload *file; /* T_FILE */
};

/* The table of a route without input. */
extern const struct field no_input[];

/*
 * Fills r->values from the query alone (no body is touched), so that the
 * answer cache has its key; errors go to r->problem.
 */
enum err field_read_query(struct req *r);

/*
 * Reads the body if the route has fields in it and fills their values.
 * Returns ERR_OK, or the first kind of error (bad JSON, invalid, too
 * large, media type) with r->problem telling all of them.
 */
enum err field_read_body(struct req *r);

/* The value of a declared field; asserts that the route declares it. */
const struct field_value *input_of(const struct req *r, const char *name);
const char *input_text(
    const struct req *r, const char *name); /* NULL: absent or null */
int64_t input_int(const struct req *r, const char *name); /* 0: absent */
bool input_bool(const struct req *r, const char *name);
bool input_given(const struct req *r, const char *name);

/* Appends the normalised query input (for the answer cache's key). */
void field_digest_text(const struct req *r, struct buf *out);

#endif
