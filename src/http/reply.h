/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer: set by the handler, written by serve.c.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/base.h"

#include "base/json.h"
#include "http/request.h"

/*
 * Starts a JSON answer: sets the status and returns an emitter for the body.
 * The caller writes exactly one value and then returns reply_done().
 */
struct json *reply_json(struct req *r, int status);
enum err reply_done(struct req *r, struct json *j);

/* {"status": true} / {"success": true} and such. */
enum err reply_flag(struct req *r, int status, const char *key);

/* {"<key>": "<message>"} in the caller's language. */
enum err reply_text(
    struct req *r, int status, const char *key, const char *text);

/* Bytes with a content type; not copied, they must outlive the request. */
enum err reply_bytes(struct req *r, const char *type, const void *p, size_t n);

/*
 * A prepared answer: header lines and body as they are sent. Not copied; the
 * bytes must live as long as the request.
 */
void reply_ready(struct req *r, int status, const char *headers,
    size_t headers_len, const char *body, size_t body_len);

/* Adds a header line (without CR and LF; asserted). */
void reply_header(struct req *r, const char *name, const char *value);

/*
 * Writes the answer through `write(arg, bytes, n)`: status line in CGI form,
 * headers (request id, CORS, security), body unless HEAD, 204 or 304.
 */
typedef void reply_writer(void *arg, const char *p, size_t n);
void reply_write(struct req *r, reply_writer *write, void *arg);

/* Sets answer.etag from the body unless it is set (weak, digest of the bytes).
 */
void reply_etag(struct req *r);

/* "Not Found" for 404, and so on. Static text. */
const char *reply_phrase(int status);

/* Whether If-None-Match matches answer.etag (weak comparison). */
bool reply_matches(const struct req *r);

#endif
