/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a movie is recommended, in the caller's language: the ratings of hers
 * that speak most for it, friends, celebrities, awards, popularity.
 */
#ifndef RECOMMENDATIONS_REASONS_H
#define RECOMMENDATIONS_REASONS_H

#include "base/base.h"

#include "base/json.h"
#include "http/request.h"
#include "recommendations/choice.h"

#define BECAUSE_RATINGS 3

struct because;

/*
 * Finds the reasons of all rows of a choice: at most one statement, for the
 * titles. Belongs to the request; the choice is borrowed.
 */
enum err because_read(
    struct req *r, const struct choice *choice, struct because **out);

/* Writes the reasons of row number `i` as a list, most telling first. */
void because_write(struct json *j, const struct because *b, int i);

#endif
