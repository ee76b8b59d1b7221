/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damerau-Levenshtein distance.
 */
#include "base/base.h"

#include "base/suggest.h"

#define WORD_MAX 63

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][WORD_MAX + 2];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t i, k;

	for (k = 0; k <= nb; k++)
		row[k] = k;
	for (i = 1; i <= na; i++) {
		spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (k = 1; k <= nb; k++) {
			row[k] = least(above[k] + 1, row[k - 1] + 1);
			row[k] = least(
			    row[k], above[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
	}
	return row[nb];
}

const char *
suggest(const char *word, const char *const *names, size_t n)
{
	const char *nearest = NULL;
	size_t len = strlen(word), best, i, d;

	if (len > WORD_MAX)
		return NULL;
	best = len / 3 > 2 ? len / 3 : 2;
	for (i = 0; i < n; i++) {
		size_t name = strlen(names[i]);

		if (name > WORD_MAX)
			continue;
		d = distance(word, len, names[i], name);
		if (d < best || (d == best && !nearest)) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
