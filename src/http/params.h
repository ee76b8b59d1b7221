/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Percent decoding, and query strings (and urlencoded bodies) as pairs.
 */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include "base/base.h"

struct param {
	const char *name;
	const char *value;
};

struct params {
	struct param *list;
	size_t n;
	bool bad; /* a pair had invalid percent-encoding, UTF-8 or a NUL; it is
		     skipped */
};

#define PARAMS_MAX 256

/* Splits at & ; `+` is a space; more than PARAMS_MAX pairs are `bad`. */
void params_parse(
    TALLOC_CTX *mem, const char *raw, size_t n, struct params *out);

/* Decodes %XX of n bytes (and + when `plus`); NULL if it is invalid, not UTF-8
 * or contains a NUL. */
char *params_decode(TALLOC_CTX *mem, const char *s, size_t n, bool plus);

#endif
