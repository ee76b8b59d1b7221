/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What went wrong, and how it looks on the wire. Nothing else in the program
 * writes an error body.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/base.h"

#include "http/request.h"
#include "i18n/msg.h"

/*
 * How a route words its errors (contract README 3 and 12; front-end 2.10).
 * Every body has `error`; the style says which other keys carry it.
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

/* One thing that is wrong; worded when the reply is written. */
struct error_entry {
	const char *field; /* NULL: of the whole request; "__all__" possible */
	enum msg msg;
	const char *args[3];
	const char *label; /* a field that {0} names as its form does, NULL:
			      args say it */
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
	const char *reason;        /* more of it, as `detail`; NULL: none */
	bool error_is_list;        /* `error` holds all texts, not the first */
};

/*
 * Records an error and returns `code`: report and return in one statement.
 * `field` NULL: of the whole request. The reply words it, in the language that
 * is known then.
 */
enum err fail(struct req *r, enum err code, const char *field, enum msg msg);

/*
 * The same with up to three arguments for {0} {1} {2}, which are borrowed until
 * the reply is written.
 */
enum err fail_with(struct req *r, enum err code, const char *field,
    enum msg msg, const char *const args[3]);

/* Records only (there may be several); the caller returns the code later. */
void add_error(struct req *r, enum err code, const char *field, enum msg msg,
    const char *const args[3]);

/* The same where {0} is a field, called as the reader's language has it. */
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
 * 401 for a token that was sent and is no good; `code` and `token_message`
 * (NULL: none) as the contract has them.
 */
enum err fail_token(struct req *r, enum msg detail, const char *code,
    const char *token_message);

/* 429 or 503 with Retry-After. */
enum err fail_retry(struct req *r, enum err code, enum msg msg, int seconds);

/*
 * Turns `code` and r->problem into the answer: status, headers
 * (WWW-Authenticate, Retry-After, Allow), and the body in the route's style or
 * as problem+json when the client asks for that.
 */
void problem_reply(struct req *r, enum err code);

#endif
