/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend train: from the site's ratings to the model in force. What
 * people liked last is held out of a first training, which so tells how good
 * the second one is, the one that is published and knows everything.
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

#define JUDGED_MOST 5000 /* people; more make it slower and little surer */

struct training {
	struct task *t;
	int64_t now; /* the server's, seconds since 1970 */
	bool judged; /* enough people, and then: */
	struct quality ours;
	struct quality popular;
	size_t held;
	const char *quality; /* JSON */
	struct stamp stamp;
	struct fit_genre *genres;
	size_t n_genres;
};

/* -------------------------------------------------------------- beforehand */

/* Nothing happens, and that is all right; or it is not. */
static int
tell_nothing(const struct task *t, int status, const char *why)
{
	struct json *j;

	fprintf(stderr, "mxmctl recommend: %s\n", why);
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
	return tell_nothing(t, EX_TEMPFAIL,
	    "another training is running, here or on another host; nothing "
	    "was done");
}

/* A connection that was lost has taken the lock along. */
static int
check_lock(const struct training *tr)
{
	struct task *t = tr->t;
	struct row row;

	if (recommend_stop)
		return recommend_interrupted(t);
	if (query_one(t->mem, t->db, &row, SQL_train_locked, NO_ARGS))
		return recommend_db_error(t);
	if (row_bool(&row, "held"))
		return EX_OK;
	return tell_nothing(t, EX_UNAVAILABLE,
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

/* The newest that was trained, here, and not imported; NULL: none is kept. */
static const struct published *
newest_trained(const struct published *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* as the server writes it: a quote in a text has a backslash */
		if (list[i].published_at &&
		    strstr(list[i].quality, "\"source\": \"train\""))
			return &list[i];
	}
	return NULL;
}

/*
 * Is the last training younger than it must be? One from the future is not: the
 * clock was set back, and nobody knows how old it is. What was imported since
 * says nothing of when we have learned last.
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
	return tell_nothing(t, EX_OK,
	    mem_printf(t->mem,
		"the last training, of version %" PRIu64
		", was %s ago; nothing was done",
		last->stamp.version, age));
}

/* ------------------------------------------------------------------ genres */

/*
 * Gives a model that was learned from `by_user` its genres. `numbers` are those
 * of its items (NULL: the same as in the table).
 */
static void
give_genres(const struct training *tr, const struct sparse *by_user,
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

/* The same people from night to night, as long as they are so many. */
static bool *
choose_judged(TALLOC_CTX *mem, const struct task *t)
{
	uint32_t n = t->data.table.users.n, step = (n - 1) / JUDGED_MOST + 1;
	bool *judged = large_array(mem, n, sizeof *judged);

	for (uint32_t u = 0; u < n; u++) {
		uint64_t hash = (uint64_t)t->data.table.users.id[u] *
				UINT64_C(0x9e3779b97f4a7c15);

		judged[u] = (hash >> 32) % step == 0;
	}
	return judged;
}

static uint32_t
people_in(const struct triples *held)
{
	uint32_t n = 0;

	for (size_t i = 0; i < held->n; i++)
		n += i == 0 || held->list[i].user != held->list[i - 1].user;
	return n;
}

static int
judge_lists(struct training *tr, struct sparse *kept, const uint32_t *numbers,
    const bool *judged, const struct triples *held)
{
	struct task *t = tr->t;
	struct model *model;
	uint32_t *lists;
	int status;

	t->options.top = EVALUATE_TOP;
	status = recommend_learn(t, "judging", kept, &model);
	if (status == EX_OK) {
		give_genres(tr, kept, numbers, model);
		status = recommend_lists(t, model, kept, judged, &lists);
	}
	if (status == EX_OK) {
		evaluate_lists(
		    kept, held, lists, (size_t)t->options.top, &tr->ours);
		status = recommend_lists(t, NULL, kept, judged, &lists);
	}
	if (status == EX_OK)
		evaluate_lists(
		    kept, held, lists, (size_t)t->options.top, &tr->popular);
	return status;
}

/* Of fewer people than TUNE_PEOPLE nothing is said. */
static int
judge(struct training *tr)
{
	struct task *t = tr->t;
	TALLOC_CTX *outer = t->mem, *mem = mem_need(talloc_new(outer));
	bool *judged = choose_judged(mem, t);
	struct triples *held = triples_new(mem);
	const uint32_t *numbers;
	struct sparse *kept =
	    evaluate_hold(mem, t->data.by_user, judged, held, &numbers);
	int status = EX_OK;

	tr->held = held->n;
	tr->judged = people_in(held) >= TUNE_PEOPLE;
	t->mem = mem; /* of all that is done here nothing stays */
	if (tr->judged)
		status = judge_lists(tr, kept, numbers, judged, held);
	else
		fprintf(stderr,
		    "mxmctl recommend: the model cannot be evaluated: %" PRIu32
		    " users have 4 stars or more among the last ratings, and "
		    "%d are needed\n",
		    people_in(held), TUNE_PEOPLE);
	t->mem = outer;
	talloc_free(mem);
	return status;
}

/* A model that finds much less than the one in force is not published. */
static int
compare(struct training *tr)
{
	struct task *t = tr->t;
	double ndcg = tr->ours.mean[NDCG_100];
	struct published newest;
	const char *both;
	int status;

	if (!tr->judged)
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
		return tell_nothing(t, EX_DATAERR,
		    mem_printf(t->mem,
			"%s: not published; --force publishes it anyway",
			both));
	fprintf(stderr, "mxmctl recommend: %s: published because of --force\n",
	    both);
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
	json_int(&j, tr->judged ? tr->ours.users : 0);
	if (tr->judged) {
		recommend_quality_json(&j, &tr->ours);
		json_key(&j, "popular");
		json_object(&j);
		recommend_quality_json(&j, &tr->popular);
		json_object_end(&j);
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
	if (e == ERR_INVALID && !recommend_stop)
		return tell_nothing(t, EX_DATAERR,
		    "the model contains NaN or infinity; nothing was "
		    "published");
	if (!recommend_stop)
		fputs("mxmctl recommend: publishing failed; \"mxmctl recommend "
		      "show\" prints the model in force\n",
		    stderr);
	return recommend_db_error(t);
}

static int
tell(const struct training *tr)
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
	if (tr->judged) {
		printf("%zu ratings held out of %" PRIu32 " users\n\n",
		    tr->held, tr->ours.users);
		recommend_quality_print(&tr->ours, &tr->popular);
		printf("\n");
	}
	printf("published version %" PRIu64 ": %zu ratings of %" PRIu32
	       " users and %" PRIu32 " movies, loss %.6g\n",
	    tr->stamp.version, matrix_size(t->data.by_user),
	    t->data.by_user->rows, t->data.by_user->cols, t->fit.loss);
	return EX_OK;
}

/* ---------------------------------------------------------- all of it */

/* From the ratings that were read to what all hosts will serve. */
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
		status = judge(tr);
	if (status == EX_OK)
		status = compare(tr);
	if (status == EX_OK)
		status = check_lock(tr);
	if (status == EX_OK)
		status = recommend_learn(
		    t, "training", t->data.by_user, &t->fit.model);
	if (status != EX_OK)
		return status;
	t->fit.model->id = t->data.table.items.id;
	give_genres(tr, t->data.by_user, NULL, t->fit.model);
	make_quality(tr);
	status = publish(tr);
	return status == EX_OK ? tell(tr) : status;
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
		return tell_nothing(t, EX_OK,
		    "there are no ratings to train with; the model in force "
		    "stays");
	status = train(&tr);
	free(tr.genres);
	return status;
}
