/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declared input: a route lists its fields in a table, and the values that
 * reach the handler are typed and within their limits. All errors are
 * collected.
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/base.h"

#include "http/request.h"
#include "i18n/msg.h"

/* Values of one list parameter; more are an error. */
#define FIELD_LIST_MAX 50

/* Maximum lengths of texts of several routes, in code points. */
enum field_length {
	LENGTH_LANG = 16,
	LENGTH_CODE = 64, /* six digits, and blanks */
	LENGTH_NAME = 150,
	LENGTH_EMAIL = 254,
	LENGTH_SLUG = 255,
	LENGTH_PASSWORD = 4096,
	LENGTH_TOKEN = 4096,
	LENGTH_BIO = 10000,
	LENGTH_TITLE = 128,
	LENGTH_REVIEW = 10000,
	LENGTH_COMMENT = 10000,
	LENGTH_DESCRIPTION = 10000,
	LENGTH_EMOJI = 32
};

enum field_from { FROM_NONE, FROM_QUERY, FROM_BODY, FROM_FILE };

enum field_type {
	T_TEXT,  /* unchanged (NUL and invalid UTF-8 are errors) */
	T_PROSE, /* text of a user; the markup guard is removed */
	/* numbers: an empty one in a query counts as absent */
	T_INT,    /* integer or integer string; other values are errors */
	T_NUMBER, /* in a query: a decimal number from min to max, finite */
	T_BOOL, /* JSON true or false; in a query exactly "true", else false */
	T_CHOICE,  /* one of `choices`, given as "P,F,R" */
	T_LIST,    /* repeated text: name, name[], or a single value */
	T_INTS,    /* the same, integers (anything else is an error) */
	T_PAGE,    /* page number: digits, else the default; clamped */
	T_LIMIT,   /* page size: 1..100, else the default; more means 100 */
	T_CURSOR,  /* last_id: digits, else absent */
	T_FILE,    /* one uploaded file, a picture unless HISTORY */
	T_DOCUMENT /* the whole body: a JSON object of any members */
};

enum field_flags {
	REQUIRED = 1,  /* the key must be present (null counts) */
	NULLABLE = 2,  /* null is allowed */
	NOT_BLANK = 4, /* white space alone is an error; of T_PROSE also what is
			  invisible */
	DIGITS_ONLY = 8,
	SECRET = 16,  /* never repeated in an error, never logged */
	LENIENT = 32, /* T_TEXT: a value that is not text, or too long, counts
			 as absent */
	NORMALIZED =
	    64, /* T_TEXT: converted to NFKC before its length is checked */
	/* only four times the maximum length is an error here; the handler
	 * checks the length together with other fields */
	MEASURED_LATER = 128,
	TRIMMED = 256,  /* T_TEXT: without white space at both ends */
	OR_BODY = 512,  /* FROM_QUERY: read from the body if it is not there */
	OR_TEXT = 1024, /* T_FILE: a text is no error; the handler checks it */
	UNORDERED = 2048, /* T_LIST: sorted, each once, so that the key of a
			     cached answer does not depend on the order */
	HISTORY = 4096    /* T_FILE: any file, of up to import_limit */
};

struct field {
	const char *name;
	enum field_from from;
	enum field_type type;
	int flags;
	int64_t min, max;  /* T_INT, T_NUMBER, when max > min; T_LIMIT: default
			      in `def` */
	int64_t def;       /* default of T_PAGE, T_LIMIT */
	size_t max_length; /* code points; every text and list has one */
	const char *choices;   /* T_CHOICE */
	enum msg required_msg; /* MSG_NONE: the message of
				  the style */
	enum msg invalid_msg;
};

struct field_value {
	bool given;       /* the key is present and not null */
	bool is_null;     /* the key is present, its value null */
	const char *text; /* T_TEXT T_PROSE T_CHOICE T_DOCUMENT; T_FILE with
			     OR_TEXT */
	int64_t number;   /* T_INT T_PAGE T_LIMIT T_CURSOR, T_BOOL as 0 or 1 */
	double fraction;  /* T_NUMBER */
	const char **texts; /* T_LIST */
	int64_t *numbers;   /* T_INTS */
	size_t count;
	const struct upload *file;    /* T_FILE */
	struct json_object *document; /* T_DOCUMENT */
};

/* The table of a route without input. */
extern const struct field no_input[];

/*
 * Fills r->values from the query only (without reading the body), for the key
 * of the answer cache; errors are added to r->problem.
 */
enum err field_read_query(struct req *r);

/*
 * Reads the body if the route has fields in it and fills their values. Returns
 * ERR_OK or the kind of the first error (bad JSON, invalid, too large, media
 * type); all errors are in r->problem.
 */
enum err field_read_body(struct req *r);

/* The value of a declared field; asserts that the route declares it. */
const struct field_value *input_of(const struct req *r, const char *name);
const char *input_text(
    const struct req *r, const char *name); /* NULL: absent or null */
int64_t input_int(const struct req *r, const char *name); /* 0: absent */
bool input_bool(const struct req *r, const char *name);
bool input_given(const struct req *r, const char *name);

/* The text of a member of a T_DOCUMENT; NULL: it is absent, or no text. */
const char *input_member(
    const struct req *r, const char *name, const char *key);

/* Appends the normalised query input (for the answer cache's key). */
void field_digest_text(const struct req *r, struct buf *out);

#endif
