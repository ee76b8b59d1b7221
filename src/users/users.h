/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: what other modules may use.
 */
#ifndef USERS_USERS_H
#define USERS_USERS_H

#include "base/base.h"

#include "api/shape.h"

/* A person as everybody sees her; `friendship` is null. */
extern const struct column user_shape[];

/* One's own profile. */
extern const struct column self_shape[];

/* The caller's account went away while her token was still good: 401. */
enum err fail_gone(struct req *r);

#endif
