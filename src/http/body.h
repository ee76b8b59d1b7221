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

/* One uploaded file. `data` points into the request's body. */
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
	bool bad;                  /* a value with NUL or broken UTF-8 */
};

struct body {
	enum body_kind kind;
	struct json_object *json; /* BODY_JSON: always an object */
	struct body_part *parts;  /* forms */
	size_t n;
	enum msg fault;  /* what is wrong; MSG_NONE: nothing */
	size_t fault_at; /* BODY_JSON: the byte, when has_place */
	bool has_place;
};

/* What the content type announces. */
enum body_kind body_kind_of(const struct req *r);

/*
 * Parses r->body as JSON whatever the content type says: one object, no text
 * after it, depth at most 16, valid UTF-8, no NUL, no duplicate key, numbers
 * inside 64 bits. ERR_BAD_JSON otherwise, with out->fault. The tree belongs to
 * the request.
 */
enum err body_json(struct req *r, struct body *out);

/*
 * Parses by content type: JSON, urlencoded, multipart. Nothing at all is
 * BODY_EMPTY, whatever the type. ERR_MEDIA_TYPE: none of these; ERR_BAD_JSON;
 * ERR_INVALID: a form that is not well-formed. out->kind and out->fault are set
 * in any case.
 */
enum err body_any(struct req *r, struct body *out);

/*
 * What is wrong with the body, in the caller's language, and where: "Extra
 * data: line 1 column 3 (char 2)". Belongs to the request.
 */
const char *body_fault(const struct req *r, const struct body *body);

#endif
