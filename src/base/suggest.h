/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Did you mean …": the name that a mistyped word is nearest to.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/base.h"

/*
 * The nearest of n names (changes of one byte, at most a third of the word and
 * at least two), NULL when none is near.
 */
const char *suggest(const char *word, const char *const *names, size_t n);

#endif
