/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two envelopes of lists (contract, users 1.3).
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/base.h"

#include "api/shape.h"

/*
 * Answer of a list with page and limit. Every row carries the columns `total`
 * (the matches that were counted), `count_exact` (false: there are more) and
 * `page` (the page really served), except that the list may be empty. The
 * statement asks for the page by page_of() / limit_of() and clamps by itself.
 */
enum err reply_page(
    struct req *r, const struct rows *rows, const struct column *shape);

/*
 * Answer of a list with last_id and limit: the rows are at most limit + 1 (the
 * further one only says that there is more), each with `id` and `total`.
 */
enum err reply_cursor(
    struct req *r, const struct rows *rows, const struct column *shape);

#endif
