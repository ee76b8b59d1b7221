/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Documents of the catalogue and of what users have written, as administrators
 * read and change them (sql/migrations/0050_documents.sql).
 */
#ifndef ADMIN_DOCUMENTS_H
#define ADMIN_DOCUMENTS_H

#include "base/base.h"

#include "db/row.h"
#include "http/body.h"
#include "http/request.h"

/*
 * Does `action` (add, edit, picture, remove, restore, purge) to the thing of
 * the path /api/admin/{kind}/{thing}/ and writes the audit log, in one
 * transaction. `document` is the merge patch, or the new document, NULL: none.
 * `tag` is If-Match: NULL, not needed; "", needed and missing. The change
 * is logged as one of r->os_user, if it is set, else of the caller.
 *
 * `row` has the columns id, document, etag and deleted_rows. On failure the
 * error has been added: 400 with the fields, 404, 409, 412 with the document as
 * it is, 428.
 */
enum err document_change(struct req *r, const char *action,
    const char *document, const char *tag, struct row *row);

/*
 * Stores the picture of the path …/pictures/{picture}/ and sets its field;
 * NULL: the default picture. Errors as above, and that of field `picture`.
 */
enum err document_set_picture(
    struct req *r, const struct upload *u, struct row *row);

/* Answers with the document and its ETag. */
enum err document_reply(struct req *r, int status, const struct row *row);

#endif
