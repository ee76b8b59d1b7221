/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machine translation of what users have written, for handlers of the slow
 * pool. Translations are stored by text and language in table translation; what
 * is missing is translated by mxm-jobs in one call, for which the request
 * waits.
 */
#ifndef API_TRANSLATE_H
#define API_TRANSLATE_H

#include "base/base.h"

#include "db/stmt.h"
#include "http/request.h"

/*
 * Runs a :one statement with the columns `author`, the account that has written
 * the texts, and those in `columns` (ends with NULL; at most 8), and answers
 * with an object of these, translated into the language of the request. NULL
 * and blank texts stay. Without a translation a text stays as it is, and the
 * answer is not cached: no key is set, the quota of the caller is used up, the
 * provider fails or does not answer in time, or too many requests are waiting.
 * Errors are those of the statement and of the database.
 */
enum err reply_translated(
    struct req *r, enum stmt s, const char *const *columns);

#endif
