/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the subcommands of mxmctl recommend share: the task that the command
 * line asks for, and the steps that several of them take. Progress goes to
 * standard error, results to standard output.
 */
#ifndef CTL_RECOMMEND_RECOMMEND_H
#define CTL_RECOMMEND_RECOMMEND_H

#include "base/base.h"

#include <signal.h>

#include "ctl/ctl.h"
#include "db/db.h"
#include "import/progress.h"
#include "recommend/evaluate.h"
#include "recommend/factors.h"
#include "recommend/fit.h"
#include "recommend/table.h"
#include "recommend/tune.h"

struct task {
	struct ctl *ctl; /* with settings, where there is a database */
	TALLOC_CTX *mem;
	struct db *db; /* recommend_database(); NULL: none yet */
	/* the command line */
	char **operands; /* the words that are no options, NULL at the end */
	const char *train;
	const char *test; /* NULL: split what --train names */
	const char *out;
	const char *items; /* a file or folder of factors */
	const char *users;
	enum factors_format format;
	int64_t top;
	bool quiet;
	bool tune;
	bool as_is;
	bool force;
	bool print;
	int64_t older_than; /* seconds; -1: whatever its age */
	const char **sets;  /* what --set said, and what is in `fit` already */
	size_t n_sets;
	struct fit_options fit;
	/* on the way */
	struct progress progress;
	char step[80]; /* what progress says */
	const char *what;
	struct tune_order order;
	struct table table;
	struct triples *held;
	struct sparse *by_user;
	struct model *model;
	double loss;
	double fit_seconds;
	int64_t kept_us; /* when the database last heard of a long task */
};

/* The signal that asked us to stop; 0: none did. */
extern volatile sig_atomic_t recommend_stop;

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

/* ---------------------------------------------------------------- steps */

/* All return EX_OK, or the exit status after having said why on stderr. */

/* Settings and a connection, for subcommands that only may need one. */
int recommend_database(struct task *t);

/* Says what failed last in the database (or that we were interrupted). */
int recommend_away(struct task *t);

/* Says that we were interrupted, takes the progress away; its status. */
int recommend_interrupted(struct task *t);

/*
 * What a step has come to that ended with e. true: *status is EX_OK, or that of
 * an interruption. false: it failed, and the progress is out of the way of what
 * is to be said about that.
 */
bool recommend_ended(struct task *t, enum err e, int *status);

/* Begins a step of so much (0: nobody knows) that progress tells of. */
void recommend_step(struct task *t, int64_t total, const char *fmt, ...)
    printf_like(3, 4);

/* Reads a file of ratings. */
int recommend_read(struct task *t, const char *path, struct table *out);

/*
 * Reads the site's ratings, after recommend_memory() for as many. None at all
 * is no failure.
 */
int recommend_read_site(struct task *t);

/* Says what learning from so much will take, and whether that is there. */
int recommend_memory(
    struct task *t, size_t ratings, uint32_t users, uint32_t items);

/*
 * Pairs of genre and movie, genres rising, of the movies that `items` names.
 * The array is to be given to free().
 */
int recommend_genres(struct task *t, const struct names *items,
    struct fit_genre **pairs, size_t *n);

/*
 * The settings to learn with: the defaults, then what setting recommend_tuning
 * says, then --set.
 */
int recommend_tuned(struct task *t);

/* Tries all settings on t->table and leaves the best in t->fit. */
int recommend_search(struct task *t);

/*
 * With --tune all settings are tried; else, unless --as-is or a setting of it
 * forbids, whether the order of t->table's ratings means anything.
 */
int recommend_settle(struct task *t);

/* What recommend_settle() has found of the order, as a member of JSON. */
void recommend_order_json(struct json *j, const struct tune_order *o);

/* From t->table's triples, which are gone then, to t->by_user. */
void recommend_matrix(struct task *t);

/*
 * Learns from a matrix of stars, which become preferences. `what` stands
 * before what progress says of it.
 */
int recommend_learn(
    struct task *t, const char *what, struct sparse *m, struct model **model);

/*
 * Lists of t->top items for the users of a matrix; `only` as in rank_options.
 * Without a model by how many have rated an item.
 */
int recommend_lists(struct task *t, const struct model *model,
    const struct sparse *by_user, const bool *only, uint32_t **lists);

/* How good lists are: members of JSON, and a table beside most popular. */
void recommend_quality_json(struct json *j, const struct quality *q);
void recommend_quality_print(
    const struct quality *ours, const struct quality *popular);

#endif
