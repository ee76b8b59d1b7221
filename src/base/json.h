/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A JSON emitter that appends to a buffer without building a tree. It writes
 * the commas; the caller balances begin and end (asserted). Text must be valid
 * UTF-8; only what JSON requires is escaped (RFC 8259, section 7). JSON is read
 * with json-c.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/base.h"

#include "base/buf.h"

struct json {
	struct buf *out;
	int depth;
	bool comma; /* a comma is needed before the next value */
};

void json_init(struct json *j, struct buf *out);

void json_object(struct json *j);     /* {  */
void json_object_end(struct json *j); /* }  */
void json_list(struct json *j);       /* [  */
void json_list_end(struct json *j);   /* ]  */
void json_key(struct json *j, const char *name);

void json_text(struct json *j, const char *s); /* NULL becomes null */
void json_textn(struct json *j, const char *s, size_t n);
void json_int(struct json *j, int64_t v);
void json_double(struct json *j,
    double v); /* shortest that round-trips; not finite becomes null */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j, const char *json); /* a JSON text, verbatim */

#endif
