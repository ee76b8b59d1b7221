/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the subcommands of mxmctl recommend share: their options and state, and
 * the steps that several of them take. Progress goes to standard error, results
 * to standard output.
 */
#ifndef CTL_RECOMMEND_RECOMMEND_H
#define CTL_RECOMMEND_RECOMMEND_H

#include "base/base.h"

#include "ctl/ctl.h"
#include "ctl/stop.h"
#include "db/db.h"
#include "import/progress.h"
#include "recommend/calibrate.h"
#include "recommend/evaluate.h"
#include "recommend/factors.h"
#include "recommend/fit.h"
#include "recommend/table.h"
#include "recommend/tune.h"

/* The command line. */
struct task_options {
	char **operands;   /* NULL after the last */
	const char *train; /* files of ratings */
	const char *test;  /* NULL: split what --train names */
	const char *out;   /* file of ranked lists */
	const char *items; /* files or folders of factors */
	const char *users;
	enum factors_format format;
	int64_t top;
	int64_t older_than; /* seconds; -1: whatever its age */
	bool quiet;
	bool tune;
	bool as_is;
	bool force;
	bool print;
	const char **sets; /* of --set; they are in struct task_fit already */
	size_t n_sets;
};

/* The step that is running, as standard error shows it. */
struct task_step {
	struct progress progress;
	char text[80];
	const char *stage; /* "training", before the loss of an iteration */
};

/* The ratings to learn from. */
struct task_data {
	struct table table;
	struct sparse *by_user;
	struct triples *held; /* held out of them */
};

/* How to learn, and what was learned. */
struct task_fit {
	struct fit_options options;
	struct tune_order order;
	struct model *model;
	double loss;
	double seconds;
};

struct task {
	struct ctl *ctl; /* with settings, where there is a database */
	TALLOC_CTX *mem;
	struct db *db;      /* recommend_database(); NULL: none yet */
	int64_t db_used_us; /* the last query of a long step */
	struct task_options options;
	struct task_step step;
	struct task_data data;
	struct task_fit fit;
};

/* ---------------------------------------------------------- subcommands */

/* Each returns the exit status. */
int recommend_evaluate(struct task *t);
int recommend_explain(struct task *t);
int recommend_export(struct task *t);
int recommend_import(struct task *t);
int recommend_rank(struct task *t);
int recommend_rollback(struct task *t);
int recommend_show(struct task *t);
int recommend_train(struct task *t);
int recommend_tune(struct task *t);

/* ------------------------------------------------ step.c: steps, errors */

/* Begins a step with so many units of progress; 0: not known. */
void recommend_step(struct task *t, int64_t total, const char *fmt, ...)
    printf_like(3, 4);

/*
 * The end of a step with result e. true: *status is EX_OK, or the exit status
 * of an interruption. false: it failed; the progress line is cleared, and the
 * caller reports the error.
 */
bool recommend_ended(struct task *t, enum err e, int *status);

/* Reports the last error of the database, or an interruption; exit status. */
int recommend_db_error(struct task *t);

/* Reports an interruption; exit status. */
int recommend_interrupted(struct task *t);

/* --------------------------------------------- ratings.c: what to learn from
 */

/* From here on: EX_OK, or the exit status after reporting the error. */

/* Settings and a connection, for subcommands that do not always need one. */
int recommend_database(struct task *t);

/* Reads a file of ratings. */
int recommend_read(struct task *t, const char *path, struct table *out);

/*
 * Reads the site's ratings, after recommend_memory() for as many. No ratings at
 * all is no error.
 */
int recommend_read_site(struct task *t);

/* Prints how much memory learning needs, and checks that it is available. */
int recommend_memory(
    struct task *t, size_t ratings, uint32_t users, uint32_t items);

/*
 * Pairs of genre and movie, sorted by genre, of the movies in `items`. The
 * array is to be freed with free().
 */
int recommend_genres(struct task *t, const struct id_list *items,
    struct fit_genre **pairs, size_t *n);

/* ------------------------------------------------- learn.c: from it a model */

/*
 * The settings to learn with: the defaults, then setting recommend_tuning, then
 * --set.
 */
int recommend_apply_tuning(struct task *t);

/* Is the order of the ratings to be tested? No setting decides it yet. */
bool recommend_wants_order(const struct task *t);

/*
 * With --tune tries all settings; else, unless --as-is or a setting of the
 * order excludes it, tests whether the order of the ratings matters.
 */
int recommend_choose_settings(struct task *t);

/* The result of that test, as a member of JSON. */
void recommend_order_json(struct json *j, const struct tune_order *o);

/* Makes the matrix of t->data from the triples of its table, which it frees. */
void recommend_matrix(struct task *t);

/*
 * Learns from a matrix of stars, which it converts to preferences. `stage`
 * labels its progress.
 */
int recommend_learn(
    struct task *t, const char *stage, struct sparse *m, struct model **model);

/*
 * Lists of t->options.top items for the users of a matrix; `only` as in
 * rank_options. Without a model by the number of ratings of an item.
 */
int recommend_lists(struct task *t, const struct model *model,
    const struct sparse *by_user, const bool *only, uint32_t **lists);

/* ------------------------------------- calibrate.c: how ratings are predicted
 */

/*
 * Learns without the last ratings of the users in `evaluated`, and predicts
 * these. `all` is a matrix of stars; *fitted is for a model of all of them.
 */
int recommend_calibrate(struct task *t, const struct sparse *all,
    const bool *evaluated, struct predict *fitted, struct calibration *out);

/* -------------------------------------------- quality.c: how good lists are */

/* As members of JSON, and as a table beside the most popular movies. */
void recommend_quality_json(struct json *j, const struct quality *q);
void recommend_quality_print(
    const struct quality *ours, const struct quality *popular);

/* The same of predictions; nothing if there are none. */
void recommend_calibration_json(struct json *j, const struct calibration *c);
void recommend_calibration_print(const struct calibration *c);

#endif
