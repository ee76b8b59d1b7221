/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "This thing changed": generations are raised after the commit of a writing
 * route. What the writing statement put into table `touch` covers a worker
 * that dies in between.
 */
#ifndef API_TOUCH_H
#define API_TOUCH_H

#include "base/base.h"

#include "http/request.h"

/* Beside what the route's row says: this changed too. Texts are borrowed until
 * the request ends. */
void also_touch(struct req *r, const char *kind, const char *key);

/* Raises everything the row and also_touch() name. Called by serve.c after a
 * 2xx. */
void touch_raise(struct req *r);

#endif
