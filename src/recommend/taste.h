/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The weight of a rating: stars are converted to a preference, and recent
 * ratings weigh more than old ones. Training and serving share this.
 */
#ifndef RECOMMEND_TASTE_H
#define RECOMMEND_TASTE_H

#include "base/base.h"

#define TASTE_STARS     5
#define TASTE_FORGOTTEN 24 /* halvings after which a weight is 0 */

struct taste {
	float stars[TASTE_STARS]; /* the preference of 1 to 5 stars */
	float floor;              /* weight of the oldest rating, 0 to 1 */
	float half;               /* the rest halves every so many ratings */
	float near_half;   /* the same for neighbours, with the floor 0 */
	float genre;       /* weight of the genres (fold.h) */
	float genre_first; /* added for users with few ratings */
	float common;      /* weight of the mean factors for them */
	float first_fade;  /* both fade as 2^-(ratings / fade)^2 */
};

/* Interpolates between two stars; outside, the value of the nearest star. */
float taste_preference(const struct taste *t, float stars);

/*
 * The weight of the i-th of n ratings, oldest first, for factors and for
 * neighbours; the last one has 1. For neighbours it is 0 after too many
 * halvings.
 */
float taste_weight(const struct taste *t, size_t i, size_t n);
float taste_near_weight(const struct taste *t, size_t i, size_t n);

/* The weights of the mean factors and of genres for a user with n ratings. */
float taste_common(const struct taste *t, size_t n);
float taste_genre(const struct taste *t, size_t n);

/* The ratings of one user, oldest first. */
struct history {
	size_t n;
	const uint32_t *item;
	const float *preference;
};

#endif
