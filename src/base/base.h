/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * First include of every source: the configuration, common standard headers,
 * the error type, and the banned functions.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

/* config.h first: it has the feature test macros. banned.h last. */
/* clang-format off */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include <talloc.h>

#include "base/banned.h"
#include "base/err.h"
/* clang-format on */

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define array_len(a)      (sizeof(a) / sizeof((a)[0]))

/* "%d worker%s", n, PLURAL(n) */
#define PLURAL(n) ((n) == 1 ? "" : "s")

#endif
