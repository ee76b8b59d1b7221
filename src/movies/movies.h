/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies: what other modules may use.
 */
#ifndef MOVIES_MOVIES_H
#define MOVIES_MOVIES_H

#include "base/base.h"

#include "api/shape.h"

/* The whole movie object, as sent everywhere (sql/movies.sql, movie_columns).
 */
extern const struct column movie_shape[];

#endif
