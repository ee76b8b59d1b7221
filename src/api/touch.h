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

/*
 * Raises the generations of n rows; `rows` NULL: of more than are reported, so
 * the answer cache is bypassed for a moment. `serve` is a struct serve. For
 * db_on_touched().
 */
void touch_raise(void *serve, const struct db_touch *rows, size_t n);

#endif
