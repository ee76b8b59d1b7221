/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend export and import: factors for other programs, and models
 * trained by other programs.
 */
#include "base/base.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/recommend/recommend.h"
#include "db/query.h"
#include "recommend/factors.h"
#include "recommend/fold.h"
#include "recommend/large.h"
#include "recommend/publish.h"

#define BATCH_USERS 500   /* users folded in at a time */
#define BATCH_IDS   10000 /* movies looked up at a time */
#define STOP_ROWS   1000

/* ------------------------------------------------------------------- users */

/* Called for each user, after fold_run() with their ratings. */
typedef void user_visitor(
    void *arg, int64_t id, const struct fold *f, const struct history *h);

/* The ratings of a user from a row. */
static struct history
read_history(TALLOC_CTX *mem, const struct model *m, const struct row *row)
{
	size_t n, n_stars;
	int64_t *rated = row_id_array(mem, row, "rated", &n);
	int64_t *stars = row_id_array(mem, row, "stars", &n_stars);

	assert(n == n_stars);
	return model_history(mem, m, rated, stars, n);
}

/* Folds a batch of users after id *after; sets it to the last; 0: all done. */
static enum err
fold_batch(struct task *t, struct fold *fold, int64_t *after,
    user_visitor *visit, void *arg)
{
	TALLOC_CTX *mem = mem_need(talloc_new(t->mem));
	struct rows rows;
	struct row row;
	enum err e = query_all(mem, t->db, &rows, SQL_model_raters,
	    arg_id(*after), arg_id(BATCH_USERS));

	*after = 0;
	for (int i = 0; !e && i < rows.count; i++) {
		struct history h;

		rows_at(&rows, i, &row);
		h = read_history(mem, fold->model, &row);
		fold_run(fold, &h);
		*after = row_id(&row, "id");
		visit(arg, *after, fold, &h);
	}
	talloc_free(mem);
	return e;
}

/* Folds all users with ratings into a model, in batches. */
static int
each_user(struct task *t, const struct model *m, user_visitor *visit, void *arg)
{
	struct fold *fold = fold_new(t->mem, m);
	int64_t after = INT64_MIN, done = 0;
	struct row row;

	if (query_one(t->mem, t->db, &row, SQL_model_rater_count, NO_ARGS))
		return recommend_db_error(t);
	recommend_step(t, row_id(&row, "raters"), "folding users in");
	do {
		if (fold_batch(t, fold, &after, visit, arg))
			return recommend_db_error(t);
		if (ctl_stop)
			return recommend_interrupted(t);
		progress_at(&t->step.progress, done += BATCH_USERS);
	} while (after != 0);
	progress_end(&t->step.progress);
	return EX_OK;
}

/* ----------------------------------------------------------------- writing */

static int
cannot_write(struct task *t, const char *path)
{
	int why = errno;

	progress_clear(&t->step.progress);
	ctl_error(t->ctl, "%s: %s\n", path, strerror(why));
	return EX_CANTCREAT;
}

/* ------------------------------------------------------------------ export */

static int
write_items(struct task *t, const struct model *m, FILE *to)
{
	recommend_step(t, m->items, "writing %.60s", t->options.items);
	factors_put_head(to, t->options.format, m->factors);
	for (uint32_t i = 0; i < m->items; i++) {
		factors_put(to, t->options.format, m->id[i],
		    m->item + i * m->stride, m->factors);
		if (i % STOP_ROWS != 0)
			continue;
		if (ctl_stop)
			return recommend_interrupted(t);
		progress_at(&t->step.progress, i);
	}
	progress_end(&t->step.progress);
	return EX_OK;
}

struct writing {
	struct task *t;
	FILE *to;
};

static void
write_user(void *arg, int64_t id, const struct fold *f, const struct history *h)
{
	struct writing *w = arg;

	(void)h;
	factors_put(w->to, w->t->options.format, id, f->x, f->model->factors);
}

static int
write_users(struct task *t, const struct model *m, FILE *to)
{
	struct writing w = { t, to };

	factors_put_head(to, t->options.format, m->factors);
	return each_user(t, m, write_user, &w);
}

/* The model in force, from the database; NULL: *status says why not. */
static const struct model *
open_newest(struct task *t, struct published *p, int *status)
{
	const struct model *m;
	const char *why = NULL;
	enum err e = publish_newest(t->mem, t->db, p);

	if (!e)
		e = publish_open(t->mem, t->db, p, &m, &why);
	if (!e)
		return m;
	if (ctl_stop || (!why && e != ERR_NOT_FOUND)) {
		*status = recommend_db_error(t);
		return NULL;
	}
	ctl_error(t->ctl, "%s\n", why ? why : "no model has been published");
	*status = e == ERR_INVALID ? EX_DATAERR : EX_UNAVAILABLE;
	return NULL;
}

static int
exported(struct task *t, const struct published *p, const struct model *m)
{
	struct json *j;

	if (!t->ctl->json)
		return EX_OK;
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "version");
	json_int(j, (int64_t)p->stamp.version);
	json_key(j, "movies");
	json_int(j, m->items);
	json_key(j, "factors");
	json_int(j, m->factors);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

/* One file, written by `write`; path NULL: none. */
static int
export_file(struct task *t, const struct model *m, const char *path,
    int (*write)(struct task *t, const struct model *m, FILE *to))
{
	struct file *out;
	int status;

	if (!path)
		return EX_OK;
	out = file_new(t->mem, path, 0666);
	if (!out)
		return cannot_write(t, path);
	status = write(t, m, out->to);
	if (status == EX_OK)
		return file_finish(out) ? EX_OK : cannot_write(t, path);
	talloc_free(out);
	return status;
}

int
recommend_export(struct task *t)
{
	const struct model *m;
	struct published p;
	int status = EX_OK;

	if (!t->options.items && !t->options.users)
		return ctl_usage(
		    t->ctl, "export requires --items or --users, or both");
	if (t->options.format == FACTORS_GUESS)
		t->options.format = FACTORS_CSV;
	m = open_newest(t, &p, &status);
	if (!m)
		return status;
	status = export_file(t, m, t->options.items, write_items);
	if (status == EX_OK)
		status = export_file(t, m, t->options.users, write_users);
	return status == EX_OK ? exported(t, &p, m) : status;
}

/* ------------------------------------------------------------------ import */

static void
report_bytes(void *report_arg, int64_t bytes)
{
	struct task *t = report_arg;

	progress_at(&t->step.progress, bytes);
}

static int
read_items(struct task *t, struct factors *f)
{
	const struct factors_input in = { .path = t->options.items,
		.format = t->options.format,
		.stop = &ctl_stop,
		.report = report_bytes,
		.report_arg = t };
	struct factors_fault fault;
	int status;
	enum err e;

	recommend_step(t, factors_size(t->options.items), "reading %.60s",
	    t->options.items);
	e = factors_read(t->mem, &in, f, &fault);
	if (recommend_ended(t, e, &status))
		return status;
	ctl_error(t->ctl, "%s", fault.file);
	if (fault.line)
		fprintf(stderr, ":%ld", fault.line);
	fprintf(stderr, ": %s; nothing was published\n", fault.why);
	if (e == ERR_NOT_FOUND)
		return EX_NOINPUT;
	return e == ERR_INVALID ? EX_DATAERR : EX_IOERR;
}

/* Moves those of the rows from..to to the front whose ids are in the catalogue.
 */
static enum err
keep_known(struct task *t, struct factors *f, uint32_t from, uint32_t to)
{
	TALLOC_CTX *mem = mem_need(talloc_new(t->mem));
	struct rows rows;
	struct row row;
	enum err e = query_all(mem, t->db, &rows, SQL_model_catalogue,
	    arg_int_array(f->id + from, to - from));

	/* both are sorted */
	for (int i = 0; !e && i < rows.count; i++) {
		rows_at(&rows, i, &row);
		while (f->id[from] != row_id(&row, "id"))
			from++;
		memmove(f->row + (size_t)f->n * f->width,
		    f->row + (size_t)from * f->width,
		    f->width * sizeof *f->row);
		f->id[f->n++] = f->id[from++];
	}
	talloc_free(mem);
	return e;
}

/* Removes the rows of movies that are not in the catalogue. */
static int
match_catalogue(struct task *t, struct factors *f, uint32_t *unknown)
{
	uint32_t all = f->n;

	f->n = 0;
	for (uint32_t from = 0; from < all; from += BATCH_IDS) {
		if (keep_known(t, f, from,
			all - from < BATCH_IDS ? all : from + BATCH_IDS))
			return recommend_db_error(t);
	}
	*unknown = all - f->n;
	if (f->n == 0) {
		ctl_error(t->ctl,
		    "%s: none of its %" PRIu32
		    " ids is in the catalogue; nothing was published\n",
		    t->options.items, all);
		return EX_DATAERR;
	}
	if (*unknown > 0 && !t->options.quiet)
		fprintf(stderr,
		    "%" PRIu32 " of %" PRIu32
		    " ids %s not in the catalogue and %s skipped\n",
		    *unknown, all, *unknown == 1 ? "is" : "are",
		    *unknown == 1 ? "was" : "were");
	return EX_OK;
}

static int
imported(struct task *t, const struct stamp *stamp, const struct factors *f,
    uint32_t unknown)
{
	struct json *j;

	if (!t->ctl->json) {
		printf("model %" PRIu64 " is in force: %" PRIu32
		       " movie%s, %u factor%s\n",
		    stamp->version, f->n, PLURAL(f->n), f->width,
		    PLURAL(f->width));
		return EX_OK;
	}
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "version");
	json_int(j, (int64_t)stamp->version);
	json_key(j, "movies");
	json_int(j, f->n);
	json_key(j, "factors");
	json_int(j, f->width);
	json_key(j, "left_out");
	json_int(j, unknown);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

/* What the users' ratings add to an imported model. */
struct user_sums {
	double *sum; /* of their factors */
	size_t n;
	uint32_t *ratings; /* of each item */
};

static void
add_user(void *arg, int64_t id, const struct fold *f, const struct history *h)
{
	struct user_sums *c = arg;

	(void)id;
	c->n++;
	for (unsigned k = 0; k < f->model->factors; k++)
		c->sum[k] += (double)f->x[k];
	for (size_t j = 0; j < h->n; j++) {
		if (h->item[j] < f->model->items)
			c->ratings[h->item[j]]++;
	}
}

/*
 * Adds the mean factors, the genres and the numbers of ratings, which imported
 * factors do not include.
 */
static int
complete(struct task *t, struct model *m)
{
	const struct id_list items = { .id = m->id, .n = m->items };
	struct user_sums c = { .sum = mem_array(t->mem, double, m->factors),
		.ratings = large_array(t->mem, m->items, sizeof *c.ratings) };
	struct fit_genre *pairs = NULL;
	size_t n_pairs;
	int status = each_user(t, m, add_user, &c);

	for (unsigned k = 0; c.n > 0 && k < m->factors; k++)
		m->mean[k] = (float)(c.sum[k] / (double)c.n);
	if (status == EX_OK)
		status = recommend_genres(t, &items, &pairs, &n_pairs);
	if (status == EX_OK)
		fit_genres(m, c.ratings, pairs, n_pairs);
	m->ratings = c.ratings;
	free(pairs);
	return status;
}

static int
publish(struct task *t, const struct model *m, struct stamp *stamp)
{
	recommend_step(t, 0, "publishing");
	switch (publish_model(
	    t->mem, t->db, m, "{\"source\": \"import\"}", stamp)) {
	case ERR_OK:
		progress_end(&t->step.progress);
		return EX_OK;
	case ERR_INVALID:
		progress_clear(&t->step.progress);
		ctl_error(t->ctl,
		    "%s: the factors are so large that their "
		    "products overflow; nothing was published\n",
		    t->options.items);
		return EX_DATAERR;
	default:
		return recommend_db_error(t);
	}
}

int
recommend_import(struct task *t)
{
	struct factors f;
	struct stamp stamp;
	struct model how, *m;
	uint32_t unknown = 0;
	int status;

	status = recommend_apply_tuning(t);
	if (status == EX_OK)
		status = read_items(t, &f);
	if (status == EX_OK)
		status = match_catalogue(t, &f, &unknown);
	if (status != EX_OK)
		return status;
	how =
	    (struct model){ .regularization = t->fit.options.als.regularization,
		    .unobserved = t->fit.options.als.unobserved,
		    .taste = t->fit.options.taste };
	m = factors_model(t->mem, &f, &how);
	status = complete(t, m);
	if (status == EX_OK)
		status = publish(t, m, &stamp);
	return status == EX_OK ? imported(t, &stamp, &f, unknown) : status;
}
