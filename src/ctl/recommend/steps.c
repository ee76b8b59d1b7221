/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps that several subcommands of mxmctl recommend take.
 */
#include "base/base.h"

#include <stdarg.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "ctl/advice.h"
#include "ctl/recommend/recommend.h"
#include "db/copy.h"
#include "db/query.h"
#include "recommend/large.h"
#include "recommend/rank.h"

#define KEEP_US   INT64_C(30000000)
#define TELL_ROWS 10000
#define SHARES    1000 /* of a step that is told as a share */

int
recommend_interrupted(struct task *t)
{
	progress_clear(&t->progress);
	fputs("mxmctl recommend: interrupted; nothing was written\n", stderr);
	return 128 + recommend_stop;
}

int
recommend_away(struct task *t)
{
	if (recommend_stop)
		return recommend_interrupted(t);
	progress_clear(&t->progress);
	fprintf(stderr, "mxmctl recommend: %s; %s\n", db_complaint(t->db),
	    advice_database(t->ctl, db_complaint(t->db)));
	return EX_UNAVAILABLE;
}

bool
recommend_ended(struct task *t, enum err e, int *status)
{
	*status = EX_OK;
	if (!e)
		progress_end(&t->progress);
	else if (recommend_stop)
		*status = recommend_interrupted(t);
	else
		progress_clear(&t->progress);
	return !e || recommend_stop;
}

void
recommend_step(struct task *t, int64_t total, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->step, sizeof t->step, fmt, ap);
	va_end(ap);
	progress_begin(&t->progress, t->step, total);
}

int
recommend_read(struct task *t, const char *path, struct table *out)
{
	struct fault fault;
	int status;
	enum err e;

	recommend_step(t, 0, "reading %.60s", path);
	e = table_read(t->mem, path, &recommend_stop, out, &fault);
	if (recommend_ended(t, e, &status))
		return status;
	if (fault.line)
		fprintf(stderr, "mxmctl recommend: %s:%ld: %s\n", path,
		    fault.line, fault.why);
	else
		fprintf(stderr, "mxmctl recommend: %s: %s\n", path, fault.why);
	switch (e) {
	case ERR_NOT_FOUND:
		return EX_NOINPUT;
	case ERR_UNAVAILABLE:
		return EX_IOERR;
	default:
		return EX_DATAERR;
	}
}

/* Nobody has said yet what the order of ratings means. */
static bool
wants_order(const struct task *t)
{
	for (size_t i = 0; i < t->n_sets; i++) {
		if (fit_sets_order(t->sets[i]))
			return false;
	}
	if (t->ctl->conf && fit_sets_order(t->ctl->conf->recommend_tuning))
		return false;
	return !t->as_is;
}

/* What it takes is said, and whether it is there, before it begins. */
int
recommend_memory(struct task *t, size_t ratings, uint32_t users, uint32_t items)
{
	size_t need = fit_memory(ratings, users, items, &t->fit);
	size_t there = fit_memory_there();

	if (t->tune || wants_order(t))
		need += tune_memory(
		    ratings, t->tune ? TUNE_RATINGS : ORDER_RATINGS);
	if (!t->quiet)
		fprintf(stderr,
		    "%zu ratings of %" PRIu32 " users and %" PRIu32
		    " items, at most %zu MiB of memory\n",
		    ratings, users, items, (need >> 20) + 1);
	if (there == SIZE_MAX || need <= there)
		return EX_OK;
	fprintf(stderr,
	    "mxmctl recommend: that takes %zu MiB of memory, and there are "
	    "%zu; fewer factors or near_keep take less\n",
	    (need >> 20) + 1, there >> 20);
	return EX_OSERR;
}

/* --------------------------------------------------------------- the site */

/* One row of train_ratings after the other. */
static enum err
copy_ratings(struct task *t, struct gather *g)
{
	struct copy_reader *rows;
	int64_t row[4], n = 0;
	enum err e;

	e = copy_read_begin(t->mem, t->db, SQL_train_ratings, &rows);
	while (!e) {
		e = copy_read_row(rows, row, array_len(row));
		if (e)
			break;
		e = table_add(g, row[0], row[1], (float)row[2], row[3]);
		if (e)
			talloc_free(rows);
		if (++n % TELL_ROWS == 0)
			progress_at(&t->progress, n);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static int
too_many(void)
{
	fputs("mxmctl recommend: there are 2^32 ratings or more\n", stderr);
	return EX_DATAERR;
}

int
recommend_read_site(struct task *t)
{
	struct gather *g;
	struct row size;
	int64_t ratings;
	int status;
	enum err e;

	if (query_one(t->mem, t->db, &size, SQL_train_size, NO_ARGS))
		return recommend_away(t);
	ratings = row_id(&size, "ratings");
	if (ratings >= UINT32_MAX)
		return too_many();
	status = recommend_memory(t, (size_t)ratings,
	    (uint32_t)row_id(&size, "users"),
	    (uint32_t)row_id(&size, "movies"));
	if (status != EX_OK)
		return status;
	recommend_step(t, ratings, "reading ratings");
	g = table_begin(t->mem);
	e = copy_ratings(t, g);
	if (e == ERR_TOO_LARGE)
		return too_many();
	if (e)
		return recommend_away(t);
	if (recommend_stop)
		return recommend_interrupted(t);
	table_end(t->mem, g, &t->table);
	progress_end(&t->progress);
	return EX_OK;
}

int
recommend_genres(struct task *t, const struct names *items,
    struct fit_genre **pairs, size_t *n)
{
	struct copy_reader *rows;
	size_t room = 0;
	int64_t row[2];
	uint32_t item;
	enum err e;

	*pairs = NULL;
	*n = 0;
	e = copy_read_begin(t->mem, t->db, SQL_train_genres, &rows);
	while (!e) {
		e = copy_read_row(rows, row, array_len(row));
		item = e ? NAMES_NONE : names_find(items, row[1]);
		if (item == NAMES_NONE)
			continue;
		if (*n == room) {
			room = 2 * room + 1024;
			*pairs = large_resize(*pairs, room, sizeof **pairs);
		}
		(*pairs)[(*n)++] = (struct fit_genre){ row[0], item };
	}
	return e == ERR_NOT_FOUND ? EX_OK : recommend_away(t);
}

int
recommend_tuned(struct task *t)
{
	const struct conf *conf = t->ctl->conf;
	const char *place = conf->source[CONF_ID_recommend_tuning];
	const char *why;

	fit_defaults(&t->fit);
	why = fit_set_all(t->mem, &t->fit, conf->recommend_tuning);
	if (why) {
		fprintf(stderr, "mxmctl recommend: %s: recommend_tuning: %s\n",
		    place ? place : conf->file, why);
		return EX_CONFIG;
	}
	for (size_t i = 0; i < t->n_sets; i++) {
		why = fit_set(t->mem, &t->fit, t->sets[i]);
		assert(!why);
	}
	return EX_OK;
}

/* ---------------------------------------------------------------- learning */

/*
 * What is between us and the server may drop a connection that says nothing for
 * long. Whether it is the old one is asked before anything is published.
 */
static void
keep_connection(struct task *t)
{
	int64_t now = clock_steady_us();
	struct row row;

	if (!t->db || now < t->kept_us + KEEP_US || recommend_stop)
		return;
	t->kept_us = now;
	if (query_one(t->mem, t->db, &row, SQL_train_locked, NO_ARGS))
		progress_clear(&t->progress);
}

static void
tell_trial(void *teller, const char *tried, double quality, bool kept)
{
	struct task *t = teller;

	progress_clear(&t->progress);
	if (!t->quiet)
		fprintf(stderr, "%.4f %s%s\n", quality,
		    *tried ? tried : "as it is",
		    *tried && kept ? ": kept" : "");
}

static void
tell_share(void *teller, double share)
{
	struct task *t = teller;

	progress_at(&t->progress, (int64_t)(share * SHARES));
	keep_connection(t);
}

int
recommend_search(struct task *t)
{
	const struct tune tune = { .triples = t->table.triples,
		.users = t->table.users.n,
		.items = t->table.items.n,
		.tell = tell_trial,
		.advance = tell_share,
		.teller = t };
	int status;
	enum err e;

	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	recommend_step(t, SHARES, "tuning");
	e = tune_settings(&tune, &t->fit);
	if (recommend_ended(t, e, &status))
		return status;
	fprintf(stderr, "mxmctl recommend: %s%s%s\n", t->train ? t->train : "",
	    t->train ? ": " : "",
	    e == ERR_NOT_FOUND ? "nobody's last ratings hold 4 stars or more "
				 "to tune by" :
				 "training does not end in numbers");
	return EX_DATAERR;
}

static void
tell_iteration(void *teller, unsigned iteration, double loss)
{
	struct task *t = teller;

	snprintf(t->step, sizeof t->step, "%s, loss %.6g", t->what, loss);
	progress_at(&t->progress, iteration);
	keep_connection(t);
}

/* The factors are done when this is told first: a step of its own. */
static void
tell_near(void *teller, size_t done, size_t items)
{
	struct task *t = teller;

	if (done == 0) {
		progress_end(&t->progress);
		recommend_step(
		    t, (int64_t)items, "%s, finding neighbours", t->what);
	}
	progress_at(&t->progress, (int64_t)done);
	keep_connection(t);
}

static void
tell_order(const struct task *t)
{
	const struct tune_order *o = &t->order;

	if (t->quiet || !o->asked)
		return;
	fprintf(stderr,
	    "NDCG@100 %.4f with the order of ratings, %.4f without: it is "
	    "%s\n",
	    o->with, o->without, o->ignored ? "ignored" : "used");
}

static int
ask_order(struct task *t)
{
	const struct tune tune = { .triples = t->table.triples,
		.users = t->table.users.n,
		.items = t->table.items.n,
		.advance = tell_share,
		.teller = t };

	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	recommend_step(
	    t, SHARES, "asking whether the order of ratings matters");
	if (tune_order(&tune, &t->fit, &t->order))
		return recommend_interrupted(t);
	progress_end(&t->progress);
	tell_order(t);
	return EX_OK;
}

int
recommend_settle(struct task *t)
{
	if (t->tune)
		return recommend_search(t);
	return wants_order(t) ? ask_order(t) : EX_OK;
}

void
recommend_order_json(struct json *j, const struct tune_order *o)
{
	json_key(j, "order");
	json_object(j);
	json_key(j, "used");
	json_bool(j, !o->ignored);
	if (o->asked) {
		json_key(j, "with");
		json_double(j, o->with);
		json_key(j, "without");
		json_double(j, o->without);
	}
	json_object_end(j);
}

void
recommend_matrix(struct task *t)
{
	t->by_user = matrix_new(
	    t->mem, t->table.triples, t->table.users.n, t->table.items.n);
	talloc_free(t->table.triples);
	t->table.triples = NULL;
}

int
recommend_learn(
    struct task *t, const char *what, struct sparse *m, struct model **model)
{
	int64_t began = clock_steady_us();
	int status;
	enum err e;

	t->what = what;
	t->fit.als.stop = t->fit.near.stop = &recommend_stop;
	t->fit.als.tell = tell_iteration;
	t->fit.near.tell = tell_near;
	t->fit.als.teller = t->fit.near.teller = t;
	recommend_step(t, (int64_t)t->fit.als.iterations, "%s", what);
	e = fit_model(t->mem, m, &t->fit, model, &t->loss);
	t->fit_seconds = (double)(clock_steady_us() - began) / 1e6;
	if (recommend_ended(t, e, &status))
		return status;
	fputs("mxmctl recommend: training does not end in numbers; ratings or "
	      "settings are far out\n",
	    stderr);
	return EX_DATAERR;
}

static void
tell_users(void *teller, size_t done)
{
	struct task *t = teller;

	progress_at(&t->progress, (int64_t)done);
	keep_connection(t);
}

int
recommend_lists(struct task *t, const struct model *model,
    const struct sparse *by_user, const bool *only, uint32_t **lists)
{
	struct rank_options o = { .top = (size_t)t->top,
		.only = only,
		.threads = t->fit.als.threads,
		.stop = &recommend_stop,
		.tell = tell_users,
		.teller = t };
	enum err e;

	recommend_step(t, (int64_t)by_user->rows, "ranking");
	e = model ? rank_all(t->mem, model, by_user, &o, lists) :
		    rank_popular(t->mem, by_user, &o, lists);
	if (e)
		return recommend_interrupted(t);
	progress_end(&t->progress);
	return EX_OK;
}

/* ----------------------------------------------------------------- quality */

void
recommend_quality_json(struct json *j, const struct quality *q)
{
	for (int m = 0; m < METRIC__MAX; m++) {
		json_key(j, metric_name((enum metric)m));
		json_object(j);
		json_key(j, "mean");
		json_double(j, q->mean[m]);
		json_key(j, "error");
		json_double(j, q->error[m]);
		json_object_end(j);
	}
	json_key(j, "Coverage");
	json_double(j, q->coverage);
}

static void
print_quality(const char *name, const struct quality *q)
{
	printf("%-12s", name);
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %.4f +-%.4f", q->mean[m], q->error[m]);
	printf("  %.4f\n", q->coverage);
}

void
recommend_quality_print(
    const struct quality *ours, const struct quality *popular)
{
	printf("%-12s", "");
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %-14s", metric_name((enum metric)m));
	printf("  Coverage\n");
	print_quality("recommended", ours);
	print_quality("most popular", popular);
}
