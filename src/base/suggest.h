/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Did you mean …": the name most similar to a mistyped word.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/base.h"

/*
 * The most similar of n names (edit distance at most a third of the word, but
 * at least two), or NULL.
 */
const char *suggest(const char *word, const char *const *names, size_t n);

#endif
