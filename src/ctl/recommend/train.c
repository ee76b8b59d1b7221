/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend train: from the site's ratings to the model in force. A
 * first training without the last ratings of the users measures the quality;
 * the second one, with all ratings, is published.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/recommend/recommend.h"
#include "db/query.h"
#include "recommend/large.h"
#include "recommend/publish.h"

#define EVALUATED_MAX \
	5000 /* users; more take longer and add little precision */

struct training {
	struct task *t;
	int64_t now;    /* of the server, seconds since 1970 */
	bool evaluated; /* there were enough users; then: */
	struct quality ours;
	struct quality popular;
	size_t held;
	struct calibration predicted;
	struct predict fitted;
	const char *quality; /* JSON */
	struct stamp stamp;
	struct fit_genre *genres;
	size_t n_genres;
};

/* ------------------------------------------------------------------ checks */

/* Reports that and why nothing is published. */
static int
report_unpublished(const struct task *t, int status, const char *why)
{
	struct json *j;

	ctl_error(t->ctl, "%s\n", why);
	if (!t->ctl->json)
		return status;
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "published");
	json_bool(j, false);
	json_key(j, "why");
	json_text(j, why);
	json_object_end(j);
	return ctl_json_done(j, status);
}

static int
take_lock(struct training *tr)
{
	struct task *t = tr->t;
	struct row row;

	if (query_one(t->mem, t->db, &row, SQL_train_lock, NO_ARGS))
		return recommend_db_error(t);
	tr->now = row_id(&row, "now");
	if (row_bool(&row, "got"))
		return EX_OK;
	return report_unpublished(t, EX_TEMPFAIL,
	    "another training is running, here or on another host; nothing "
	    "was done");
}

/* The lock is released when the connection is lost. */
static int
check_lock(const struct training *tr)
{
	struct task *t = tr->t;
	struct row row;

	if (ctl_stop)
		return recommend_interrupted(t);
	if (query_one(t->mem, t->db, &row, SQL_train_locked, NO_ARGS))
		return recommend_db_error(t);
	if (row_bool(&row, "held"))
		return EX_OK;
	return report_unpublished(t, EX_UNAVAILABLE,
	    "the connection to the database was lost, and with it the lock of "
	    "the training; nothing was published");
}

/* The model in force; version 0: there is none. */
static int
find_newest(const struct training *tr, struct published *out)
{
	struct task *t = tr->t;
	enum err e = publish_newest(t->mem, t->db, out);

	if (e == ERR_NOT_FOUND)
		*out = (struct published){ .ndcg = -1 };
	else if (e)
		return recommend_db_error(t);
	return EX_OK;
}

/* The newest model that was trained, not imported; NULL: none. */
static const struct published *
newest_trained(const struct published *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* the format of the server, which escapes quotes in texts */
		if (list[i].published_at &&
		    strstr(list[i].quality, "\"source\": \"train\""))
			return &list[i];
	}
	return NULL;
}

/*
 * Is the last training more recent than --if-older-than? A time in the future
 * is not (the clock was set back). Imported models are ignored.
 */
static int
check_age(const struct training *tr, bool *young)
{
	const struct task *t = tr->t;
	const struct published *last;
	struct published *list;
	char age[32];
	int64_t s;
	size_t n;

	*young = false;
	if (t->options.older_than < 0)
		return EX_OK;
	if (publish_list(t->mem, t->db, &list, &n))
		return recommend_db_error(tr->t);
	last = newest_trained(list, n);
	if (!last)
		return EX_OK;
	s = tr->now - last->stamp.trained_at;
	*young = s >= 0 && s < t->options.older_than;
	if (!*young)
		return EX_OK;
	progress_duration(age, sizeof age, s * 1000000);
	return report_unpublished(t, EX_OK,
	    mem_printf(t->mem,
		"the last training, of version %" PRIu64
		", was %s ago; nothing was done",
		last->stamp.version, age));
}

/* ------------------------------------------------------------------ genres */

/*
 * Sets the genres of a model that was learned from `by_user`. `numbers` are the
 * numbers of its items; NULL: as in the table.
 */
static void
set_genres(const struct training *tr, const struct sparse *by_user,
    const uint32_t *numbers, struct model *model)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	uint32_t *ratings = large_array(mem, by_user->cols, sizeof *ratings);
	struct fit_genre *pairs = large_array(mem, tr->n_genres, sizeof *pairs);
	size_t n = 0;

	for (size_t i = 0; i < matrix_size(by_user); i++)
		ratings[by_user->index[i]]++;
	for (size_t i = 0; i < tr->n_genres; i++) {
		pairs[n] = tr->genres[i];
		if (numbers)
			pairs[n].item = numbers[pairs[n].item];
		n += pairs[n].item < by_user->cols;
	}
	fit_genres(model, ratings, pairs, n);
	talloc_free(mem);
}

/* ----------------------------------------------------------------- quality */

/* A sample by a hash of the id, so that it is stable from night to night. */
static bool *
choose_evaluated(TALLOC_CTX *mem, const struct task *t)
{
	uint32_t n = t->data.table.users.n, step = (n - 1) / EVALUATED_MAX + 1;
	bool *evaluated = large_array(mem, n, sizeof *evaluated);

	for (uint32_t u = 0; u < n; u++) {
		uint64_t hash = (uint64_t)t->data.table.users.id[u] *
				UINT64_C(0x9e3779b97f4a7c15);

		evaluated[u] = (hash >> 32) % step == 0;
	}
	return evaluated;
}

static uint32_t
users_in(const struct triples *held)
{
	uint32_t n = 0;

	for (size_t i = 0; i < held->n; i++)
		n += i == 0 || held->list[i].user != held->list[i - 1].user;
	return n;
}

static int
evaluate_both(struct training *tr, struct sparse *kept, const uint32_t *numbers,
    const bool *evaluated, const struct triples *held)
{
	struct task *t = tr->t;
	struct model *model;
	uint32_t *lists;
	int status;

	t->options.top = EVALUATE_TOP;
	status = recommend_learn(t, "evaluating", kept, &model);
	if (status == EX_OK) {
		set_genres(tr, kept, numbers, model);
		status = recommend_lists(t, model, kept, evaluated, &lists);
	}
	if (status == EX_OK) {
		evaluate_lists(
		    kept, held, lists, (size_t)t->options.top, &tr->ours);
		status = recommend_lists(t, NULL, kept, evaluated, &lists);
	}
	if (status == EX_OK)
		evaluate_lists(
		    kept, held, lists, (size_t)t->options.top, &tr->popular);
	return status;
}

/* With fewer than TUNE_USERS_MIN users there is no result. */
static int
evaluate(struct training *tr)
{
	struct task *t = tr->t;
	TALLOC_CTX *outer = t->mem, *mem = mem_need(talloc_new(outer));
	bool *evaluated = choose_evaluated(mem, t);
	struct triples *held = triples_new(mem);
	const uint32_t *numbers;
	struct sparse *kept = evaluate_hold_out(
	    mem, t->data.by_user, evaluated, EVALUATE_LIKED, held, &numbers);
	int status = EX_OK;

	tr->held = held->n;
	tr->evaluated = users_in(held) >= TUNE_USERS_MIN;
	t->mem = mem; /* nothing of this is needed afterwards */
	if (tr->evaluated)
		status = evaluate_both(tr, kept, numbers, evaluated, held);
	else
		ctl_error(t->ctl,
		    "the model cannot be evaluated: %" PRIu32
		    " user%s 4 stars or more among the last ratings, and "
		    "%d are needed\n",
		    users_in(held), users_in(held) == 1 ? " has" : "s have",
		    TUNE_USERS_MIN);
	t->mem = outer;
	talloc_free(kept);
	if (status == EX_OK && tr->evaluated)
		status = recommend_calibrate(
		    t, t->data.by_user, evaluated, &tr->fitted, &tr->predicted);
	talloc_free(mem);
	return status;
}

/* A model that is much worse than the one in force is not published. */
static int
compare(struct training *tr)
{
	struct task *t = tr->t;
	double ndcg = tr->ours.mean[NDCG_100];
	struct published newest;
	const char *both;
	int status;

	if (!tr->evaluated)
		return EX_OK;
	status = find_newest(tr, &newest);
	if (status != EX_OK || newest.ndcg < 0 ||
	    ndcg >= newest.ndcg * (1 - t->ctl->conf->recommend_fall))
		return status;
	both = mem_printf(t->mem,
	    "on held-out ratings of %" PRIu32
	    " users the new model has NDCG@100 %.4f, the one in force "
	    "(version %" PRIu64
	    ") had %.4f, and setting recommend_fall is %g%%",
	    tr->ours.users, ndcg, newest.stamp.version, newest.ndcg,
	    100 * t->ctl->conf->recommend_fall);
	if (!t->options.force)
		return report_unpublished(t, EX_DATAERR,
		    mem_printf(t->mem,
			"%s: not published; --force publishes it anyway",
			both));
	ctl_error(t->ctl, "%s: published because of --force\n", both);
	return EX_OK;
}

static void
make_quality(struct training *tr)
{
	struct task *t = tr->t;
	struct buf *out = mem_new(t->mem, struct buf);
	struct json j;

	buf_init(out, t->mem, 1024);
	json_init(&j, out);
	json_object(&j);
	json_key(&j, "source");
	json_text(&j, "train");
	json_key(&j, "ratings");
	json_int(&j, (int64_t)matrix_size(t->data.by_user));
	json_key(&j, "users");
	json_int(&j, t->data.by_user->rows);
	json_key(&j, "movies");
	json_int(&j, t->data.by_user->cols);
	json_key(&j, "factors");
	json_int(&j, t->fit.options.als.factors);
	json_key(&j, "iterations");
	json_int(&j, t->fit.options.als.iterations);
	json_key(&j, "settings");
	json_text(&j, fit_changed(t->mem, &t->fit.options));
	json_key(&j, "loss");
	json_double(&j, t->fit.loss);
	json_key(&j, "seconds");
	json_double(&j, t->fit.seconds);
	recommend_order_json(&j, &t->fit.order);
	json_key(&j, "judged");
	json_int(&j, tr->evaluated ? tr->ours.users : 0);
	if (tr->evaluated) {
		recommend_quality_json(&j, &tr->ours);
		json_key(&j, "popular");
		json_object(&j);
		recommend_quality_json(&j, &tr->popular);
		json_object_end(&j);
		recommend_calibration_json(&j, &tr->predicted);
	}
	json_object_end(&j);
	tr->quality = out->data;
}

/* -------------------------------------------------------------- publishing */

static int
publish(struct training *tr)
{
	struct task *t = tr->t;
	int status = check_lock(tr);
	enum err e;

	if (status != EX_OK)
		return status;
	recommend_step(t, 0, "publishing");
	e = publish_model(t->mem, t->db, t->fit.model, tr->quality, &tr->stamp);
	if (!e) {
		progress_end(&t->step.progress);
		return EX_OK;
	}
	if (e == ERR_INVALID && !ctl_stop)
		return report_unpublished(t, EX_DATAERR,
		    "the model contains NaN or infinity; nothing was "
		    "published");
	if (!ctl_stop)
		ctl_error(t->ctl, "publishing failed; \"mxmctl recommend "
				  "show\" prints the model in force\n");
	return recommend_db_error(t);
}

static int
report(const struct training *tr)
{
	const struct task *t = tr->t;
	struct json *j;

	if (t->ctl->json) {
		j = ctl_json(t->ctl);
		json_object(j);
		json_key(j, "published");
		json_bool(j, true);
		json_key(j, "version");
		json_int(j, (int64_t)tr->stamp.version);
		json_key(j, "bytes");
		json_int(j, (int64_t)tr->stamp.size);
		json_key(j, "quality");
		json_raw(j, tr->quality);
		json_object_end(j);
		return ctl_json_done(j, EX_OK);
	}
	if (tr->evaluated) {
		printf("%zu rating%s held out of %" PRIu32 " user%s\n\n",
		    tr->held, PLURAL(tr->held), tr->ours.users,
		    PLURAL(tr->ours.users));
		recommend_quality_print(&tr->ours, &tr->popular);
		recommend_calibration_print(&tr->predicted);
		printf("\n");
	}
	printf("published version %" PRIu64 ": %zu rating%s of %" PRIu32
	       " user%s and %" PRIu32 " movie%s, loss %.6g\n",
	    tr->stamp.version, matrix_size(t->data.by_user),
	    PLURAL(matrix_size(t->data.by_user)), t->data.by_user->rows,
	    PLURAL(t->data.by_user->rows), t->data.by_user->cols,
	    PLURAL(t->data.by_user->cols), t->fit.loss);
	return EX_OK;
}

/* ----------------------------------------------------------- training */

/* The model of all ratings, with the predictions that were calibrated. */
static int
learn_all(struct training *tr)
{
	struct task *t = tr->t;
	struct model rated = { .items = t->data.by_user->cols };
	int status;

	calibrate_offsets(t->mem, &rated, t->data.by_user);
	status = recommend_learn(t, "training", t->data.by_user, &t->fit.model);
	if (status != EX_OK)
		return status;
	t->fit.model->offset = rated.offset;
	t->fit.model->ratings = rated.ratings;
	t->fit.model->predict =
	    tr->predicted.ratings ? tr->fitted : rated.predict;
	t->fit.model->predict.mean = rated.predict.mean;
	return EX_OK;
}

/* From the ratings to the published model. */
static int
train(struct training *tr)
{
	struct task *t = tr->t;
	int status = recommend_choose_settings(t);

	if (status != EX_OK)
		return status;
	recommend_matrix(t);
	status = recommend_genres(
	    t, &t->data.table.items, &tr->genres, &tr->n_genres);
	if (status == EX_OK)
		status = evaluate(tr);
	if (status == EX_OK)
		status = compare(tr);
	if (status == EX_OK)
		status = check_lock(tr);
	if (status == EX_OK)
		status = learn_all(tr);
	if (status != EX_OK)
		return status;
	t->fit.model->id = t->data.table.items.id;
	set_genres(tr, t->data.by_user, NULL, t->fit.model);
	make_quality(tr);
	status = publish(tr);
	return status == EX_OK ? report(tr) : status;
}

int
recommend_train(struct task *t)
{
	struct training tr = { .t = t };
	bool young = false;
	int status;

	status = recommend_apply_tuning(t);
	if (status == EX_OK)
		status = take_lock(&tr);
	if (status == EX_OK)
		status = check_age(&tr, &young);
	if (status == EX_OK && !young)
		status = recommend_read_site(t);
	if (status != EX_OK || young)
		return status;
	if (t->data.table.triples->n == 0)
		return report_unpublished(t, EX_OK,
		    "there are no ratings to train with; the model in force "
		    "stays");
	status = train(&tr);
	free(tr.genres);
	return status;
}
