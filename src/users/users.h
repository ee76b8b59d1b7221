/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: what other modules may use.
 */
#ifndef USERS_USERS_H
#define USERS_USERS_H

#include "base/base.h"

#include "api/shape.h"

/* A user as others see them; `friendship` is null. */
extern const struct column user_shape[];

/* One's own profile. */
extern const struct column self_shape[];

#endif
