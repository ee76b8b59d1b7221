/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What json-c lets pass: a scan over a JSON text (RFC 8259) that builds
 * nothing. json-c 0.16, strict as it can be set, still accepts duplicate keys,
 * control characters in strings, lone surrogates and NUL, and turns integers
 * that do not fit into other ones without a word.
 */
#ifndef HTTP_JSONSCAN_H
#define HTTP_JSONSCAN_H

#include "base/base.h"

#include "i18n/msg.h"

#define JSON_DEPTH_MAX  16
#define JSON_VALUES_MAX 1000 /* of a text, all levels together */

struct jsonscan {
	size_t keys;    /* members of all objects together */
	size_t at;      /* where the fault is */
	enum msg fault; /* MSG_NONE: none */
};

/*
 * true when the n bytes are one JSON value with white space around it at most:
 * valid UTF-8, no NUL (nor \u0000), no lone surrogate, nested at most
 * JSON_DEPTH_MAX deep, at most JSON_VALUES_MAX values, every integer within
 * int64_t, every other number within double. Duplicate keys are not found here:
 * the caller compares `keys` with the members of the tree that was built.
 */
bool jsonscan(const char *s, size_t n, struct jsonscan *out);

#endif
