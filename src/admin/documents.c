/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /api/admin/{kind}/: documents, of which the database knows the kinds, the
 * fields and the rules. Here are the requests and the messages.
 */
#include "base/base.h"

#include "admin/documents.h"
#include "api/api.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/body.h"
#include "http/handlers.h"

const struct field document_page_input[] = {
	{ "search", FROM_QUERY, T_TEXT, TRIMMED, .max_length = 255 },
	{ "removed", FROM_QUERY, T_CHOICE, 0, .choices = "no,yes,all" },
	{ "slugs", FROM_QUERY, T_LIST, 0, .max_length = LENGTH_SLUG },
	PAGE_FIELDS,
	{ 0 },
};

const struct field document_input[] = {
	{ "document", FROM_BODY, T_DOCUMENT, REQUIRED },
	{ 0 },
};

const struct field audit_input[] = {
	{ "kind", FROM_QUERY, T_CHOICE, 0,
	    .choices = "movie,person,genre,platform,award,review,comment,"
		       "list" },
	{ "id", FROM_QUERY, T_INT, 0, .min = 1, .max = INT64_MAX },
	{ "username", FROM_QUERY, T_TEXT, 0, .max_length = LENGTH_NAME },
	PAGE_FIELDS,
	{ 0 },
};

static const struct column page_shape[] = {
	{ "id", C_INT, NULL },
	{ "slug", C_TEXT, NULL },
	{ "label", C_TEXT, NULL },
	{ "detail", C_TEXT, NULL },
	{ "content", C_TEXT, NULL },
	{ "updated_at", C_TIME, NULL },
	{ "deleted_at", C_TIME, NULL },
	{ NULL, C_NULL, NULL },
};

static const struct column audit_shape[] = {
	{ "id", C_INT, NULL },
	{ "at", C_TIME, NULL },
	{ "username", C_TEXT, NULL },
	{ "origin", C_TEXT, NULL },
	{ "os_user", C_TEXT, NULL },
	{ "request_id", C_TEXT, NULL },
	{ "kind", C_TEXT, NULL },
	{ "thing_id", C_INT, NULL },
	{ "label", C_TEXT, NULL },
	{ "action", C_TEXT, NULL },
	{ "deleted_rows", C_JSON, NULL },
	{ "before", C_JSON, NULL },
	{ "after", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

/* The results of document_change() that are errors of the whole request. */
static const struct {
	const char *result;
	enum err err;
	enum msg msg;
} results[] = {
	{ "live", ERR_CLASH, MSG_NOT_REMOVED },
	{ "required", ERR_CONDITION, MSG_CONDITION_NEEDED },
	{ "stale", ERR_STALE, MSG_CHANGED_SINCE },
	{ "taken", ERR_CLASH, MSG_RESTORE_TAKEN },
};

/* The messages of its faults. */
static const struct {
	const char *code;
	enum msg msg;
} faults[] = {
	{ "absent", MSG_FIELD_ABSENT },
	{ "blank", MSG_FIELD_BLANK },
	{ "boolean", MSG_FIELD_BOOLEAN },
	{ "characters", MSG_FIELD_BAD_TEXT },
	{ "choice", MSG_FIELD_CHOICE },
	{ "date", MSG_FIELD_DATE },
	{ "fixed", MSG_FIELD_FIXED },
	{ "integer", MSG_FIELD_INTEGER },
	{ "items", MSG_FIELD_ITEMS },
	{ "key", MSG_FIELD_KEY },
	{ "length", MSG_FIELD_LENGTH },
	{ "list", MSG_FIELD_LIST },
	{ "max", MSG_FIELD_MAX },
	{ "min", MSG_FIELD_MIN },
	{ "null", MSG_FIELD_NULL },
	{ "number", MSG_FIELD_NUMBER },
	{ "object", MSG_FIELD_OBJECT },
	{ "path", MSG_FIELD_PATH },
	{ "removed", MSG_FIELD_REMOVED },
	{ "required", MSG_FIELD_REQUIRED },
	{ "reserved", MSG_FIELD_RESERVED },
	{ "slug", MSG_FIELD_SLUG },
	{ "taken", MSG_FIELD_TAKEN },
	{ "text", MSG_FIELD_TEXT },
	{ "twice", MSG_FIELD_TWICE },
	{ "unknown", MSG_FIELD_UNKNOWN },
	{ "url", MSG_FIELD_URL },
};

static enum msg
message_of(const char *code)
{
	for (size_t i = 0; i < array_len(faults); i++) {
		if (strcmp(faults[i].code, code) == 0)
			return faults[i].msg;
	}
	assert(!"a fault without a message");
	return MSG_BAD_REQUEST;
}

/* The faults of the fields. */
static enum err
fail_fields(struct req *r, const struct row *row)
{
	size_t n;
	const char *const *fields = row_text_array(r->mem, row, "fields", &n);
	const char *const *codes = row_text_array(r->mem, row, "codes", &n);
	const char *const *args = row_text_array(r->mem, row, "args", &n);
	const char *const *mores = row_text_array(r->mem, row, "mores", &n);

	for (size_t i = 0; i < n; i++)
		add_error(r, ERR_INVALID, fields[i], message_of(codes[i]),
		    (const char *const[3]){ args[i], mores[i] });
	return ERR_INVALID;
}

static void
set_tag(struct req *r, const struct row *row)
{
	snprintf(
	    r->answer.etag, sizeof r->answer.etag, "%s", row_text(row, "etag"));
}

/* The error of a change, if it is one. */
static enum err
check_result(struct req *r, const struct row *row)
{
	const char *result = row_text(row, "result");

	if (strcmp(result, "ok") == 0 || strcmp(result, "same") == 0)
		return ERR_OK;
	if (strcmp(result, "invalid") == 0)
		return fail_fields(r, row);
	for (size_t i = 0; i < array_len(results); i++) {
		if (strcmp(results[i].result, result) != 0)
			continue;
		if (results[i].err == ERR_STALE) {
			problem_add_document(r, row_text(row, "document"));
			set_tag(r, row);
		}
		return fail(r, results[i].err, NULL, results[i].msg);
	}
	assert(!"an unknown result");
	return ERR_INTERNAL;
}

/* The slug of a new thing, before it is made unique; "": it has no name. */
static const char *
slug_of(struct req *r)
{
	bool movie = strcmp(path_of(r, "kind"), "movies") == 0;
	const char *name =
	    input_member(r, "document", movie ? "title" : "name");
	const char *slug = "";

	if (name && !movie)
		slug = text_slug(r->mem, name);
	return name && !*slug ? text_slug_unicode(r->mem, name) : slug;
}

enum err
document_change(struct req *r, const char *action, const char *document,
    const char *tag, struct row *row)
{
	bool add = strcmp(action, "add") == 0;
	enum err e;

	bind_arg(r, "action", arg_text(action));
	bind_arg(r, "document", arg_text(document));
	bind_arg(r, "tag", arg_text(tag));
	bind_arg(r, "slug", arg_text(add ? slug_of(r) : ""));
	bind_arg(r, "request_id", arg_text(r->os_user ? NULL : r->id));
	bind_arg(r, "os_user", arg_text(r->os_user));
	if (r->os_user)
		bind_arg(r, "viewer", arg_null());
	if (add)
		bind_arg(r, "thing", arg_null());
	e = run_one(r, SQL_document_change, row);
	return e ? e : check_result(r, row);
}

enum err
document_reply(struct req *r, int status, const struct row *row)
{
	struct json *j = reply_json(r, status);

	json_raw(j, row_text(row, "document"));
	set_tag(r, row);
	return reply_done(r, j);
}

/* If-Match; NULL: it was not sent. */
static const char *
tag_of(const struct req *r)
{
	return *r->if_match ? r->if_match : NULL;
}

enum err
document_list(struct req *r)
{
	const char *removed = input_text(r, "removed");

	bind_arg(r, "removed", arg_text(removed ? removed : "no"));
	return reply_page(r, SQL_document_page, page_shape);
}

enum err
document_add(struct req *r)
{
	struct row row;
	enum err e;

	e = document_change(r, "add", input_text(r, "document"), NULL, &row);
	if (e)
		return e;
	reply_header(r, "Location",
	    mem_printf(r->mem, "%s/api/admin/%s/%s/", r->conf->public_origin,
		path_of(r, "kind"), row_text(&row, "id")));
	return document_reply(r, 201, &row);
}

enum err
document_detail(struct req *r)
{
	struct row row;
	enum err e;

	e = run_one(r, SQL_document_detail, &row);
	return e ? e : document_reply(r, 200, &row);
}

/* What was changed since the caller has read it is not changed. */
enum err
document_edit(struct req *r)
{
	struct row row;
	enum err e;

	e = document_change(
	    r, "edit", input_text(r, "document"), r->if_match, &row);
	return e ? e : document_reply(r, 200, &row);
}

enum err
document_remove(struct req *r)
{
	struct row row;
	enum err e;

	e = document_change(r, "remove", NULL, tag_of(r), &row);
	return e ? e : document_reply(r, 200, &row);
}

enum err
document_restore(struct req *r)
{
	struct row row;
	enum err e;

	e = document_change(r, "restore", NULL, tag_of(r), &row);
	return e ? e : document_reply(r, 200, &row);
}

/* It may take long, half of what the worker has (slow pool). */
enum err
document_purge(struct req *r)
{
	long usual = (long)r->conf->statement_timeout;
	long most = (long)r->conf->request_deadline / 2;
	struct json *j;
	struct row row;
	enum err e;

	db_set_timeout(r->db, usual > 0 && usual < most ? most : usual);
	e = document_change(r, "purge", NULL, tag_of(r), &row);
	db_set_timeout(r->db, usual);
	if (e)
		return e;
	j = reply_json(r, 200);
	json_object(j);
	json_key(j, "status");
	json_bool(j, true);
	json_key(j, "deleted_rows");
	json_raw(j, row_text(&row, "deleted_rows"));
	json_object_end(j);
	return reply_done(r, j);
}

enum err
audit_list(struct req *r)
{
	return reply_page(r, SQL_audit_list, audit_shape);
}
