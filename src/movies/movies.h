/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies: interface for other modules.
 */
#ifndef MOVIES_MOVIES_H
#define MOVIES_MOVIES_H

#include "base/base.h"

#include "api/shape.h"

/* The movie object (sql/movies.sql, movie_columns). */
extern const struct column movie_shape[];

#endif
