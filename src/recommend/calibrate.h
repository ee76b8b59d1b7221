/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fits the prediction of ratings (predict.h) by least squares on the held-out
 * ratings of a model, and measures its error. Held-out ratings of a user are
 * predicted from all their other ratings, and again from the last 0, 1, 2, 4
 * and so on of them, so that weights and standard errors for users with few
 * ratings are measured and not assumed.
 */
#ifndef RECOMMEND_CALIBRATE_H
#define RECOMMEND_CALIBRATE_H

#include "base/base.h"

#include <signal.h>

#include "recommend/matrix.h"
#include "recommend/model.h"

/* What is held out of the training of a model (evaluate_hold_out()). */
struct held_out {
	const struct sparse *all; /* stars; rows in the order of time */
	const bool *evaluated;    /* users whose window is held out */
	const uint32_t *numbers;  /* the items of the model, by their items */
	const volatile sig_atomic_t *stop;
};

/* Root mean square errors on the held-out ratings, in stars. */
struct calibration {
	size_t ratings;    /* 0: there are none, and no errors */
	double predicted;  /* with weights from the other half of the users */
	double movie;      /* by the mean of the movie's ratings */
	double user_movie; /* by offset and level, within 1 to 5 */
};

/*
 * Sets the mean, and the offset and number of ratings of each item, below
 * `mem`, from a matrix of stars with the items of the model. The prediction
 * gets the default weights.
 */
void calibrate_offsets(
    TALLOC_CTX *mem, struct model *m, const struct sparse *by_user);

/*
 * Fits m->predict, if there are held-out ratings, and measures.
 * ERR_UNAVAILABLE: stopped.
 */
enum err calibrate(
    struct model *m, const struct held_out *held, struct calibration *out);

#endif
