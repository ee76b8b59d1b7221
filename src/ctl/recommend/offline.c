/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend rank and evaluate, which learn from a file of ratings and
 * need no database.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/json.h"
#include "base/mem.h"
#include "ctl/recommend/recommend.h"

static int
memory(struct task *t)
{
	return recommend_memory(t, t->data.table.triples->n,
	    t->data.table.users.n, t->data.table.items.n);
}

/* Trains on the ratings that were read, and makes the list of each user. */
static int
learn_lists(struct task *t, uint32_t **lists)
{
	int status = memory(t);

	if (status == EX_OK)
		status = recommend_choose_settings(t);
	if (status != EX_OK)
		return status;
	recommend_matrix(t);
	status = recommend_learn(t, "training", t->data.by_user, &t->fit.model);
	return status == EX_OK ? recommend_lists(t, t->fit.model,
				     t->data.by_user, NULL, lists) :
				 status;
}

/* ------------------------------------------------------------------- rank */

int
recommend_rank(struct task *t)
{
	uint32_t *lists = NULL;
	int status;

	status = recommend_read(t, t->options.train, &t->data.table);
	if (status == EX_OK)
		status = learn_lists(t, &lists);
	if (status != EX_OK)
		return status;
	if (table_write_lists(t->options.out, &t->data.table, lists,
		(size_t)t->options.top)) {
		ctl_error(t->ctl, "%s: %s\n", t->options.out, strerror(errno));
		return EX_CANTCREAT;
	}
	if (t->ctl->json) {
		struct json *j = ctl_json(t->ctl);

		json_object(j);
		json_key(j, "users");
		json_int(j, t->data.table.users.n);
		json_key(j, "items");
		json_int(j, t->data.table.items.n);
		json_key(j, "loss");
		json_double(j, t->fit.loss);
		json_key(j, "training_seconds");
		json_double(j, t->fit.seconds);
		recommend_order_json(j, &t->fit.order);
		json_object_end(j);
		return ctl_json_done(j, EX_OK);
	}
	return EX_OK;
}

/* --------------------------------------------------------------- evaluate */

/* Reads the test file; ids that are not in the training become ID_NONE. */
static int
read_test(struct task *t)
{
	struct table test;
	int status = recommend_read(t, t->options.test, &test);

	if (status != EX_OK)
		return status;
	for (size_t i = 0; i < test.triples->n; i++) {
		struct triple *one = &test.triples->list[i];

		one->user = id_list_find(
		    &t->data.table.users, test.users.id[one->user]);
		one->item = id_list_find(
		    &t->data.table.items, test.items.id[one->item]);
	}
	t->data.held = test.triples;
	return EX_OK;
}

static void
quality_json(struct json *j, const char *name, const struct quality *q)
{
	json_key(j, name);
	json_object(j);
	recommend_quality_json(j, q);
	json_object_end(j);
}

static int
print_json(struct task *t, const struct quality *ours,
    const struct quality *popular, const struct calibration *predicted)
{
	struct json *j = ctl_json(t->ctl);

	json_object(j);
	json_key(j, "ratings");
	json_int(j, (int64_t)matrix_size(t->data.by_user));
	json_key(j, "held");
	json_int(j, (int64_t)t->data.held->n);
	json_key(j, "users");
	json_int(j, ours->users);
	json_key(j, "loss");
	json_double(j, t->fit.loss);
	json_key(j, "training_seconds");
	json_double(j, t->fit.seconds);
	recommend_order_json(j, &t->fit.order);
	quality_json(j, "recommended", ours);
	quality_json(j, "popular", popular);
	recommend_calibration_json(j, predicted);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static int
print_both(struct task *t, const struct quality *ours,
    const struct quality *popular, const struct calibration *predicted)
{
	if (t->ctl->json)
		return print_json(t, ours, popular, predicted);
	printf("%zu rating%s, %zu held out of %" PRIu32 " user%s\n\n",
	    matrix_size(t->data.by_user), PLURAL(matrix_size(t->data.by_user)),
	    t->data.held->n, ours->users, PLURAL(ours->users));
	recommend_quality_print(ours, popular);
	recommend_calibration_print(predicted);
	return EX_OK;
}

/* *all: the ratings before the split; NULL: a test file was read. */
static int
split_or_read(struct task *t, struct sparse **all)
{
	int status = recommend_read(t, t->options.train, &t->data.table);

	if (status != EX_OK)
		return status;
	if (t->options.test)
		return read_test(t);
	*all = matrix_new(t->mem, t->data.table.triples, t->data.table.users.n,
	    t->data.table.items.n);
	t->data.held = triples_new(t->mem);
	evaluate_split(t->data.table.triples, t->data.held);
	t->data.table.items.n = evaluate_renumber(
	    t->data.table.triples, t->data.held, t->data.table.items.n);
	if (t->data.held->n > 0)
		return EX_OK;
	ctl_error(t->ctl,
	    "%s: no user has 4 stars or more among the last "
	    "ratings, so nothing can be evaluated\n",
	    t->options.train);
	return EX_DATAERR;
}

/* Predicts the last ratings of all users. */
static int
predict_all(struct task *t, const struct sparse *all, struct calibration *out)
{
	struct predict fitted;
	bool *every;

	if (!all)
		return EX_OK;
	every = mem_array(t->mem, bool, all->rows);
	memset(every, true, all->rows);
	return recommend_calibrate(t, all, every, &fitted, out);
}

int
recommend_evaluate(struct task *t)
{
	struct quality ours, popular;
	uint32_t *lists = NULL, *plain = NULL;
	struct calibration predicted = { 0 };
	struct sparse *all = NULL;
	int status;

	t->options.top = EVALUATE_TOP;
	status = split_or_read(t, &all);
	if (status == EX_OK)
		status = learn_lists(t, &lists);
	if (status == EX_OK)
		status =
		    recommend_lists(t, NULL, t->data.by_user, NULL, &plain);
	if (status != EX_OK)
		return status;
	evaluate_lists(t->data.by_user, t->data.held, lists,
	    (size_t)t->options.top, &ours);
	evaluate_lists(t->data.by_user, t->data.held, plain,
	    (size_t)t->options.top, &popular);
	status = predict_all(t, all, &predicted);
	return status == EX_OK ? print_both(t, &ours, &popular, &predicted) :
				 status;
}
