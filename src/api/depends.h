/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bits `enum on` of the route table as generations of a request.
 */
#ifndef API_DEPENDS_H
#define API_DEPENDS_H

#include "base/base.h"

#include "http/request.h"

#define DEPENDS_MAX 24

struct dependence {
	int number; /* of depends_kind() */
	const char *kind;
	const char *key;
};

/*
 * Fills `out` for the bits `on`, with the parameters of the path and the id of
 * the caller, and returns their number. Texts are allocated below the request.
 */
size_t depends_list(struct req *r, unsigned on, int64_t caller,
    struct dependence out[DEPENDS_MAX]);

/* The name of a kind, from 0, and its bit of enum on; NULL: no more. */
const char *depends_kind(int number, unsigned *bit);

#endif
