/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Handlers and input tables, declared from the route table. A file that defines
 * one of them includes this, so that the compiler compares.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "base/base.h"

#include "http/route.h"

#define DECLARE(HANDLER, ...)        handler HANDLER;
#define ROUTE(METHOD, PATH, ...)     DECLARE(__VA_ARGS__, )
#define SEARCH(METHOD, PATH, ...)    DECLARE(__VA_ARGS__, )
#define WRITE(METHOD, PATH, ...)     DECLARE(__VA_ARGS__, )
#define ROUTE_TOP(METHOD, PATH, ...) DECLARE(__VA_ARGS__, )
#include "routes.def"
#undef ROUTE_TOP
#undef WRITE
#undef SEARCH
#undef ROUTE
#undef DECLARE

/* The tables that .input of a row names, each once. */
#define INPUT(NAME) extern const struct field NAME[];
#include "inputs.def"
#undef INPUT

#endif
