/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of a request and their representation in the answer. Nothing else in
 * the program writes an error body.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/base.h"

#include "http/request.h"
#include "i18n/msg.h"

/*
 * The format of a route's errors (contract README 3 and 12; front-end 2.10).
 * Every body has `error`; the style defines the other keys.
 */
enum style {
	/* {"error": text}; fields {"f": ["…"], "error": first} */
	STYLE_ERROR,
	/* sign-up: fields flat and `error` */
	STYLE_FORM,
	/* log-in, refresh: `detail`, "This field is required." */
	STYLE_FRAMEWORK,
	/* friends: `status` and `error` */
	STYLE_STATUS
};

/* An error; its text is made when the answer is written. */
struct error_entry {
	const char *field; /* NULL: the whole request; "__all__" possible */
	enum msg msg;
	const char *args[3];
	const char *label; /* field whose translated name is {0}; NULL: args */
};

struct problem {
	enum err code;
	struct error_entry list[32];
	int n;
	const char *detail_code;   /* `code` of token errors, NULL: none */
	const char *token_message; /* inside `messages`, NULL: none */
	const char *model;         /* 404 by path: "Movie", … NULL: none */
	const char *lookup;        /* the path segment */
	int retry_after;           /* seconds, 0: none */
	const char *reason;   /* additional text for `detail`; NULL: none */
	bool error_is_list;   /* `error` has all texts, not the first */
	const char *document; /* JSON; NULL: none */
};

/*
 * Adds an error and returns `code`. `field` NULL: the whole request. The text
 * is made by problem_reply(), in the language that is known then.
 */
enum err fail(struct req *r, enum err code, const char *field, enum msg msg);

/*
 * The same with up to three arguments for {0} {1} {2}, which must live until
 * the answer has been written.
 */
enum err fail_with(struct req *r, enum err code, const char *field,
    enum msg msg, const char *const args[3]);

/* Adds an error; the caller returns the code later. */
void add_error(struct req *r, enum err code, const char *field, enum msg msg,
    const char *const args[3]);

/* The same with the translated name of field `label` for {0}. */
void add_error_label(struct req *r, enum err code, const char *field,
    enum msg msg, const char *label);

/* The text of an entry of r->problem, in the language r->lang. */
const char *problem_text(const struct req *r, const struct error_entry *entry);

/*
 * 404 of a path segment: {"error": "Not Found", "message", "model",
 * "lookup_value"}; of the whole path when `model` is NULL.
 */
enum err fail_path(struct req *r, const char *model, const char *lookup);

/*
 * 401 for an invalid token; `code` and `token_message` (NULL: none) as in the
 * contract.
 */
enum err fail_token(struct req *r, enum msg detail, const char *code,
    const char *token_message);

/*
 * Adds the key `document` with a JSON value; the ETag of the answer is that of
 * the document.
 */
void problem_add_document(struct req *r, const char *json);

/* 429 or 503 with Retry-After. */
enum err fail_retry(struct req *r, enum err code, enum msg msg, int seconds);

/*
 * Makes the answer from `code` and r->problem: status, headers
 * (WWW-Authenticate, Retry-After, Allow), and the body in the route's style or
 * as problem+json if the client accepts that.
 */
void problem_reply(struct req *r, enum err code);

#endif
