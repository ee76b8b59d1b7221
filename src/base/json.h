/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing JSON: an emitter that only appends to a buffer and builds no tree.
 * It sets the commas itself; the caller keeps begin and end in balance (an
 * assertion watches). Text must be valid UTF-8; it goes out unescaped except
 * for what JSON demands (RFC 8259, section 7). Reading is json-c's work.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/base.h"

#include "base/buf.h"

struct json {
	struct buf *out;
	int depth;
	bool comma; /* a value stands before the next one */
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
    double v); /* shortest that reads back; not finite becomes null */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j, const char *json); /* ready-made JSON, verbatim */

#endif
