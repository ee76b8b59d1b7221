/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Absolute addresses from the configured public origin.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/base.h"

#include "base/json.h"
#include "http/request.h"

/* <origin>/media/<path>, percent-encoded; the result belongs to the request. */
char *url_media(struct req *r, const char *path);

/* <origin>/api/<kind>/<segment>/, for example url_api(r, "users", "ana"). */
char *url_api(struct req *r, const char *kind, const char *segment);

#endif
