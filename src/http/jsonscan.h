/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validates a JSON text (RFC 8259) without building a tree. json-c 0.16, even
 * in strict mode, accepts duplicate keys, control characters in strings, lone
 * surrogates and NUL, and silently changes integers that do not fit.
 */
#ifndef HTTP_JSONSCAN_H
#define HTTP_JSONSCAN_H

#include "base/base.h"

#include "i18n/msg.h"

#define JSON_DEPTH_MAX  16
#define JSON_VALUES_MAX 1000 /* of a text, at all levels */

struct jsonscan {
	size_t keys;    /* number of members of all objects */
	size_t at;      /* position of the error */
	enum msg fault; /* MSG_NONE: none */
};

/*
 * true if the n bytes are one JSON value, optionally surrounded by white space:
 * valid UTF-8, no NUL (nor \u0000), no lone surrogate, nested at most
 * JSON_DEPTH_MAX deep, at most JSON_VALUES_MAX values, integers within int64_t,
 * other numbers within double. Duplicate keys are not detected: the caller
 * compares `keys` with the number of members in the tree.
 */
bool jsonscan(const char *s, size_t n, struct jsonscan *out);

/* The same with at most `values` values. */
bool jsonscan_most(
    const char *s, size_t n, size_t values, struct jsonscan *out);

/*
 * The flags of json_tokener for all texts: strict, and UTF-8 is checked. But
 * json-c 0.18 (Debian 13), if it is strict, refuses all characters that are not
 * ASCII, so with that version it is not: comments, single quotes and a comma
 * before a bracket are accepted in what jsonscan() has not checked.
 */
int json_flags(void);

#endif
