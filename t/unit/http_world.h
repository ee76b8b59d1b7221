/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests for the tests of http/: made as the web server would describe them,
 * with settings and a small route table of their own.
 */
#ifndef UNIT_HTTP_WORLD_H
#define UNIT_HTTP_WORLD_H

#include "base/base.h"

#include "base/conf.h"
#include "http/request.h"
#include "http/route.h"

extern struct conf world_conf;

/* A request without a body; `uri` with its query. */
struct req *world_request(const char *method, const char *uri);

/* One with a body. */
struct req *world_post(const char *type, const char *body);

/* Puts a route with this style and these fields under a request. */
void world_route(struct req *r, enum style style, const struct field *input);

/* What reply_write() sends; belongs to the request. */
const char *world_answer(struct req *r);

/* The body of that. */
const char *world_body(struct req *r);

/* The value of a header of that, NULL: it is not there. */
const char *world_header(struct req *r, const char *name);

#endif
