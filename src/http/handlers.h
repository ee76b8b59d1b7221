/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Handlers and input tables, declared from the route table. A file that defines
 * one of them includes this, so that the compiler compares.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "base/base.h"

#include "http/route.h"

#define ROUTE(METHOD, PATH, HANDLER, GUARD, POOL, LIMIT, STYLE, INPUT, CACHE) \
	handler HANDLER;                                                      \
	extern const struct field INPUT[];
#define ROUTE_TOP ROUTE
#include "routes.def"
#undef ROUTE_TOP
#undef ROUTE

#endif
