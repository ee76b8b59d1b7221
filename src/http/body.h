/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Request bodies: JSON (strict), urlencoded and multipart forms, as one list
 * of named values.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/base.h"

#include "http/request.h"
#include "i18n/msg.h"

struct json_object;

/* Values of a document, at all levels. */
#define BODY_DOCUMENT_VALUES 100000

/* Bytes of a multipart form beside its file. */
#define FORM_SPARE ((size_t)64 * 1024)

/* An uploaded file. `data` points into the request's body. */
struct upload {
	const char *filename; /* as sent, may be empty */
	const char *type;     /* as sent */
	const char *data;
	size_t len;
};

enum body_kind {
	BODY_EMPTY,
	BODY_JSON,
	BODY_FORM,
	BODY_MULTIPART,
	BODY_UNKNOWN
};

/* Exactly one of text, file and bad is set. */
struct body_part {
	const char *name;
	const char *text;          /* form and multipart values */
	const struct upload *file; /* multipart files */
	bool bad;                  /* a value with NUL or invalid UTF-8 */
};

struct body {
	enum body_kind kind;
	struct json_object *json; /* BODY_JSON: always an object */
	struct body_part *parts;  /* forms */
	size_t n;
	enum msg fault;  /* the error; MSG_NONE: none */
	size_t fault_at; /* BODY_JSON: position of the error, if has_place */
	bool has_place;
};

/* The kind of body by its content type. */
enum body_kind body_kind_of(const struct req *r);

/*
 * Parses r->body as JSON, ignoring the content type: one object, no text after
 * it, depth at most 16, valid UTF-8, no NUL, no duplicate key, numbers within
 * 64 bits. Otherwise ERR_BAD_JSON with out->fault. The tree is allocated below
 * the request.
 */
enum err body_json(struct req *r, struct body *out);

/* The same with at most BODY_DOCUMENT_VALUES values. */
enum err body_document(struct req *r, struct body *out);

/* The text of a member of an object; NULL: it is absent, or no text. */
const char *body_member(struct json_object *json, const char *key);

/*
 * Parses by content type: JSON, urlencoded, multipart. No bytes are BODY_EMPTY
 * with any type. ERR_MEDIA_TYPE: another type; ERR_BAD_JSON; ERR_INVALID: a
 * malformed form. out->kind and out->fault are always set.
 */
enum err body_any(struct req *r, struct body *out);

/*
 * The error of the body in the caller's language, with its position: "Extra
 * data: line 1 column 3 (char 2)". Allocated below the request.
 */
const char *body_fault(const struct req *r, const struct body *body);

#endif
