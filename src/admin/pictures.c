/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures of documents: /api/admin/{kind}/{thing}/pictures/{picture}/, where
 * {picture} is the field, or field-language of a translation. Files and sizes
 * are those of all pictures (api/upload.h), in a folder of the kind.
 */
#include "base/base.h"

#include "admin/documents.h"
#include "api/api.h"
#include "api/upload.h"
#include "http/handlers.h"

const struct field document_picture_input[] = {
	{ "picture", FROM_FILE, T_FILE, OR_TEXT },
	{ 0 },
};

/* The merge patch that sets the field of the path; NULL: the default. */
static enum err
patch_of(struct req *r, const char *path, const char **patch)
{
	struct row row;
	enum err e;

	bind_arg(r, "path", arg_text(path));
	e = run_one(r, SQL_document_picture, &row);
	*patch = e ? NULL : row_text(&row, "document");
	return e;
}

static enum err
store(struct req *r, const char *path, void *row)
{
	const char *patch;
	enum err e;

	e = patch_of(r, path, &patch);
	return e ? e :
		   document_change(r, "picture", patch,
		       *r->if_match ? r->if_match : NULL, row);
}

enum err
document_set_picture(struct req *r, const struct upload *u, struct row *row)
{
	const char *patch;
	enum err e;

	if (!u)
		return store(r, NULL, row);
	e = patch_of(r, NULL, &patch);
	if (e)
		return e;
	if (!upload_is_picture(r, u)) {
		upload_refuse(r);
		return ERR_INVALID;
	}
	return upload_and_run(r, u, path_of(r, "kind"), store, row);
}

enum err
document_picture_set(struct req *r)
{
	static const struct upload nothing = { .data = "" };
	const struct upload *u = input_of(r, "picture")->file;
	struct row row;
	enum err e;

	e = document_set_picture(r, u ? u : &nothing, &row);
	return e ? e : document_reply(r, 200, &row);
}

enum err
document_picture_reset(struct req *r)
{
	struct row row;
	enum err e;

	e = document_set_picture(r, NULL, &row);
	return e ? e : document_reply(r, 200, &row);
}
