/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bits `enum on` of the route table stand for in one request: the
 * generations an answer is made from, and the ones a change raises. Both read
 * this one list, so a reader and a writer cannot mean different things.
 */
#ifndef API_DEPENDS_H
#define API_DEPENDS_H

#include "base/base.h"

#include "http/request.h"

#define DEPENDS_MAX 12

struct dependence {
	const char *kind;
	const char *key;
};

/*
 * Fills `out` for the bits `on`, with the ids of the path and of the caller,
 * and returns how many there are. Texts belong to the request.
 */
size_t depends_list(struct req *r, unsigned on, int64_t caller,
    struct dependence out[DEPENDS_MAX]);

#endif
