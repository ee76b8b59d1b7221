/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a request has changed makes cached answers stale at once: the triggers
 * of the tables write it to table touch, and the database handle reports it
 * after each commit (db_on_touched()).
 */
#ifndef API_TOUCH_H
#define API_TOUCH_H

#include "base/base.h"

#include "db/db.h"

struct req;
struct serve;

/*
 * Raises the generations of n rows; `rows` NULL: of more than are reported, so
 * the answer cache is bypassed for a moment. `serve` is a struct serve. For
 * db_on_touched().
 */
void touch_raise(void *serve, const struct db_touch *rows, size_t n);

/*
 * To be called when the database is ready and before it is used: after a new
 * connection reads the incarnation of the database, because the server may be
 * another one and mxm-jobs may not have read it yet.
 */
void touch_prepare(struct serve *serve, struct req *r);

/*
 * After a failed touch_raise(), before the answer is sent: waits up to 0.1 s
 * until mxm-jobs of some host has raised the generations, because other hosts
 * may reach the cache that this one does not. If that is not enough, the cache
 * is unavailable to all of them; later requests of this worker do not wait for
 * five seconds.
 */
void touch_await(struct serve *serve, struct req *r);

#endif
