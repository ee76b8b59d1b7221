/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The prediction of ratings: a training without the last ratings of users,
 * whatever their stars, and predictions of these.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/mem.h"
#include "ctl/recommend/recommend.h"

/* Calibrates a model that was learned from `kept`. */
static int
measure(struct task *t, const struct model *offsets,
    const struct held_out *held, struct model *model, struct calibration *out)
{
	int status;
	enum err e;

	model->predict = offsets->predict;
	model->offset = offsets->offset;
	model->ratings = offsets->ratings;
	recommend_step(t, 0, "predicting");
	e = calibrate(model, held, out);
	if (!recommend_ended(t, e, &status))
		status = EX_SOFTWARE;
	return status;
}

int
recommend_calibrate(struct task *t, const struct sparse *all,
    const bool *evaluated, struct predict *fitted, struct calibration *out)
{
	TALLOC_CTX *outer = t->mem, *mem = mem_need(talloc_new(outer));
	struct held_out held = { all, evaluated, NULL, &ctl_stop };
	struct sparse *kept = evaluate_hold_out(
	    mem, all, evaluated, 0, triples_new(mem), &held.numbers);
	struct model offsets = { .items = kept->cols }, *model;
	double loss = t->fit.loss, seconds = t->fit.seconds;
	int status;

	t->mem = mem; /* nothing of this is needed afterwards */
	calibrate_offsets(mem, &offsets, kept);
	status = recommend_learn(t, "calibrating", kept, &model);
	if (status == EX_OK)
		status = measure(t, &offsets, &held, model, out);
	if (status == EX_OK)
		*fitted = model->predict;
	t->fit.loss = loss; /* those of the model that is used */
	t->fit.seconds = seconds;
	t->mem = outer;
	talloc_free(mem);
	return status;
}
