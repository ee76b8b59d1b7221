/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random numbers from the kernel (getrandom(2)); a failure exits the process.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/base.h"

void random_bytes(void *p, size_t n);

/* Uniform in [0, bound), without modulo bias; bound > 0. */
uint32_t random_below(uint32_t bound);

/* n bytes as 2n lower-case hex digits and a NUL. */
void random_hex(char *out, size_t n);

/* Six decimal digits and a NUL, leading zeros kept. */
void random_code(char out[7]);

#endif
