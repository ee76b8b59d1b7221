/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preferences and weights.
 */
#include "base/base.h"

#include <math.h>

#include "recommend/taste.h"

float
taste_preference(const struct taste *t, float stars)
{
	float part;
	int below;

	if (!(stars > 1))
		return t->stars[0];
	if (stars >= TASTE_STARS)
		return t->stars[TASTE_STARS - 1];
	below = (int)stars;
	part = stars - (float)below;
	return (1 - part) * t->stars[below - 1] + part * t->stars[below];
}

float
taste_weight(const struct taste *t, size_t i, size_t n)
{
	float back = (float)(n - 1 - i);

	return t->floor + (1 - t->floor) * exp2f(-back / t->half);
}

float
taste_near_weight(const struct taste *t, size_t i, size_t n)
{
	float halves = (float)(n - 1 - i) / t->near_half;

	return halves < TASTE_FORGOTTEN ? exp2f(-halves) : 0;
}

/* From 1 for a user without ratings to 0 for one with many. */
static float
first(const struct taste *t, size_t n)
{
	float part = t->first_fade > 0 ? (float)n / t->first_fade : INFINITY;

	return exp2f(-part * part);
}

float
taste_common(const struct taste *t, size_t n)
{
	return t->common * first(t, n);
}

float
taste_genre(const struct taste *t, size_t n)
{
	return t->genre + t->genre_first * first(t, n);
}
