/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: interface for other modules.
 */
#ifndef USERS_USERS_H
#define USERS_USERS_H

#include "base/base.h"

#include "api/shape.h"

/* A user as others see them: fragment user_columns. */
extern const struct column user_shape[];

/* The profile of the caller. */
extern const struct column self_shape[];

#endif
