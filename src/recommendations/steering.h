/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Criteria of recommendations from the input of a request.
 */
#ifndef RECOMMENDATIONS_STEERING_H
#define RECOMMENDATIONS_STEERING_H

#include "base/base.h"

#include "db/row.h"
#include "http/request.h"
#include "i18n/msg.h"
#include "recommendations/caller.h"

/* The names of an input field; no limit if there are none. */
struct name_filter steering_names(const struct req *r, const char *field);

/* Adds an error of the field if the column has a name, which is unknown. */
enum err steering_check_name(struct req *r, const struct row *row,
    const char *column, const char *field, enum msg msg);

/*
 * Checks recommendation_input (of GET /movies/), and sets the criteria that it
 * limits. One statement if there are names.
 */
enum err steering_read(struct req *r, struct criteria *criteria);

#endif
