/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a movie is recommended, in the caller's language: their ratings with the
 * largest parts in its score, friends, celebrities, awards, popularity.
 */
#ifndef RECOMMENDATIONS_REASONS_H
#define RECOMMENDATIONS_REASONS_H

#include "base/base.h"

#include "base/json.h"
#include "http/request.h"
#include "i18n/msg.h"
#include "recommendations/choice.h"

#define REASON_RATINGS 3

struct reasons;

/*
 * Finds the reasons of all rows of a choice: at most one statement, for the
 * titles. Belongs to the request; the choice is borrowed.
 */
enum err reasons_read(
    struct req *r, const struct choice *choice, struct reasons **out);

/* Begins a reason, an object, with its kind and text; the caller ends it. */
void reason_begin(struct json *j, struct req *r, const char *kind, enum msg msg,
    const char *const args[3]);

/* Writes the reasons of row number `i` as a list, the most important first. */
void reasons_write(struct json *j, const struct reasons *b, int i);

#endif
