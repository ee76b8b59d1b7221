/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rating says: stars become a preference, and the latest ratings speak
 * louder than old ones. Training and serving share this.
 */
#ifndef RECOMMEND_TASTE_H
#define RECOMMEND_TASTE_H

#include "base/base.h"

#define TASTE_STARS     5
#define TASTE_FORGOTTEN 24 /* halvings that no float's sum notices */

struct taste {
	float stars[TASTE_STARS]; /* the preference of 1 to 5 stars */
	float floor;       /* what the oldest rating still weighs, 0 to 1 */
	float half;        /* so many ratings back, half of the rest is gone */
	float near_half;   /* the same for neighbours, where the floor is 0 */
	float genre;       /* weight of the genres (fold.h) */
	float genre_first; /* as much more for who has rated little */
	float common;      /* weight of everybody's taste beside hers, then */
	float first_fade;  /* both fade as she rates: 2^-(ratings / fade)^2 */
};

/* Between two stars what lies between; outside, what the nearest star says. */
float taste_preference(const struct taste *t, float stars);

/*
 * What the i-th of n ratings, oldest first, weighs among factors and among
 * neighbours: the last one 1. Among neighbours what was halved too often weighs
 * nothing at all.
 */
float taste_weight(const struct taste *t, size_t i, size_t n);
float taste_near_weight(const struct taste *t, size_t i, size_t n);

/* What everybody's taste, and genres, weigh for somebody with n ratings. */
float taste_common(const struct taste *t, size_t n);
float taste_genre(const struct taste *t, size_t n);

/* The ratings of one person, oldest first. */
struct history {
	size_t n;
	const uint32_t *item;
	const float *preference;
};

#endif
