/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time: the wall clock in microseconds since 1970 (UTC), a monotonic clock, and
 * ISO 8601. Tests can replace the wall clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

int64_t clock_now_us(void);          /* wall clock */
int64_t clock_steady_us(void);       /* for durations */
void clock_set_for_test(int64_t us); /* 0: the real clock */

/* "2026-11-24T08:16:00.123456+00:00"; no fraction when it is zero. */
#define CLOCK_ISO_SIZE 40
void clock_iso(char out[CLOCK_ISO_SIZE], int64_t us);

/* "Tue, 24 Nov 2026 08:16:00 GMT" (RFC 9110). */
void clock_http(char out[CLOCK_ISO_SIZE], int64_t us);

/* An approximate age: "45 s", "3 min", "7 h", "12 d"; the future is 0 s. */
#define CLOCK_AGE_SIZE 32
void clock_age(char out[CLOCK_AGE_SIZE], int64_t seconds);

#endif
