/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend rank, evaluate and tune: the command line around
 * recommend/. None needs a database; ratings come from a file. Progress
 * goes to standard error, results to standard output.
 */
#include "base/base.h"

#include <getopt.h>
#include <signal.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "import/progress.h"
#include "recommend/evaluate.h"
#include "recommend/fit.h"
#include "recommend/rank.h"
#include "recommend/table.h"
#include "recommend/tune.h"

#define TOP_MAX 10000

struct task {
	struct ctl *ctl;
	TALLOC_CTX *mem;
	const char *train;
	const char *test; /* NULL: split what --train names */
	const char *out;
	int64_t top;
	bool quiet;
	bool tune;
	unsigned trials; /* done */
	struct fit_options fit;
	struct progress progress;
	char step[80]; /* what progress says */
	/* made on the way */
	struct table table;
	struct triples *held;
	struct sparse *by_user;
	struct model *model;
	double loss;
	double fit_seconds;
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = number;
}

/* A second signal ends the program at once; nothing is half written. */
static void
catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < array_len(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

static int
interrupted(void)
{
	fputs("mxmctl recommend: interrupted; nothing was written\n", stderr);
	return 128 + stop;
}

/* ---------------------------------------------------------------- options */

enum { TRAIN = 1000, TEST, OUT, TOP, SET, TUNE };

/* EX_OK, or what a bad value ends with. */
static int
take_option(struct task *t, int option)
{
	const char *why;

	switch (option) {
	case TRAIN:
		t->train = optarg;
		break;
	case TEST:
		t->test = optarg;
		break;
	case OUT:
		t->out = optarg;
		break;
	case TOP:
		if (!text_to_int64(optarg, &t->top) || t->top < 1 ||
		    t->top > TOP_MAX)
			return ctl_usage(t->ctl,
			    "--top is to be a number from 1 to %d", TOP_MAX);
		break;
	case SET:
		why = fit_set(t->mem, &t->fit, optarg);
		if (why)
			return ctl_usage(t->ctl, "--set: %s", why);
		break;
	case TUNE:
		t->tune = true;
		break;
	case 'j':
		t->ctl->json = true;
		break;
	case 'q':
		t->quiet = true;
		break;
	default:
		return ctl_usage(t->ctl, "see above");
	}
	return EX_OK;
}

static int
read_options(struct task *t, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "train", required_argument, NULL, TRAIN },
		{ "test", required_argument, NULL, TEST },
		{ "out", required_argument, NULL, OUT },
		{ "top", required_argument, NULL, TOP },
		{ "set", required_argument, NULL, SET },
		{ "tune", no_argument, NULL, TUNE },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	int option, status;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		status = take_option(t, option);
		if (status != EX_OK)
			return status;
	}
	if (optind != argc)
		return ctl_usage(t->ctl, "\"%s\" is too much", argv[optind]);
	if (!t->train)
		return ctl_usage(t->ctl, "--train FILE is missing");
	return EX_OK;
}

/* ------------------------------------------------------------------ steps */

static int
read_table(struct task *t, const char *path, struct table *out)
{
	struct fault fault;
	enum err e;

	snprintf(t->step, sizeof t->step, "reading %.60s", path);
	progress_begin(&t->progress, t->step, 0);
	e = table_read(t->mem, path, &stop, out, &fault);
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	progress_clear(&t->progress);
	if (stop)
		return interrupted();
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

/* What it takes is said, and whether it is there, before it begins. */
static int
check_memory(struct task *t)
{
	size_t need = fit_memory(
	    t->table.triples->n, t->table.users.n, t->table.items.n, &t->fit);
	size_t there = fit_memory_there();

	if (!t->quiet)
		fprintf(stderr,
		    "%zu ratings of %" PRIu32 " users and %" PRIu32
		    " items, at most %zu MiB of memory\n",
		    t->table.triples->n, t->table.users.n, t->table.items.n,
		    (need >> 20) + 1);
	if (there == SIZE_MAX || need <= there)
		return EX_OK;
	fprintf(stderr,
	    "mxmctl recommend: that takes %zu MiB of memory, and there are "
	    "%zu; fewer factors or near_keep take less\n",
	    (need >> 20) + 1, there >> 20);
	return EX_OSERR;
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
	progress_at(&t->progress, ++t->trials);
}

static int
tune(struct task *t)
{
	const struct tune tune = { .triples = t->table.triples,
		.users = t->table.users.n,
		.items = t->table.items.n,
		.tell = tell_trial,
		.teller = t };
	enum err e;

	t->fit.als.stop = t->fit.near.stop = &stop;
	snprintf(t->step, sizeof t->step, "tuning");
	progress_begin(&t->progress, t->step, tune_trials());
	e = tune_settings(&tune, &t->fit);
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	progress_clear(&t->progress);
	if (stop)
		return interrupted();
	fprintf(stderr, "mxmctl recommend: %s: %s\n", t->train,
	    e == ERR_NOT_FOUND ? "nobody's last ratings hold 4 stars or more "
				 "to tune by" :
				 "training does not end in numbers");
	return EX_DATAERR;
}

static void
tell_iteration(void *teller, unsigned iteration, double loss)
{
	struct task *t = teller;

	snprintf(t->step, sizeof t->step, "training, loss %.6g", loss);
	progress_at(&t->progress, iteration);
}

/* From triples to a model; the triples are gone afterwards. */
static int
train(struct task *t)
{
	int64_t began;
	int status;
	enum err e;

	status = t->tune ? tune(t) : EX_OK;
	if (status != EX_OK)
		return status;
	began = clock_steady_us();
	t->by_user = matrix_new(
	    t->mem, t->table.triples, t->table.users.n, t->table.items.n);
	talloc_free(t->table.triples);
	t->fit.als.stop = t->fit.near.stop = &stop;
	t->fit.als.tell = tell_iteration;
	t->fit.als.teller = t;
	snprintf(t->step, sizeof t->step, "training");
	progress_begin(&t->progress, t->step, (int64_t)t->fit.als.iterations);
	e = fit_model(t->mem, t->by_user, &t->fit, &t->model, &t->loss);
	t->fit_seconds = (double)(clock_steady_us() - began) / 1e6;
	if (!e) {
		progress_end(&t->progress);
		return EX_OK;
	}
	progress_clear(&t->progress);
	if (stop)
		return interrupted();
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
}

static int
rank(struct task *t, bool popular, uint32_t **lists)
{
	struct rank_options o = { .top = (size_t)t->top,
		.threads = t->fit.als.threads,
		.stop = &stop,
		.tell = tell_users,
		.teller = t };
	enum err e;

	snprintf(t->step, sizeof t->step, "ranking");
	progress_begin(&t->progress, t->step, (int64_t)t->by_user->rows);
	e = popular ? rank_popular(t->mem, t->by_user, &o, lists) :
		      rank_all(t->mem, t->model, t->by_user, &o, lists);
	if (e) {
		progress_clear(&t->progress);
		return interrupted();
	}
	progress_end(&t->progress);
	return EX_OK;
}

/* ------------------------------------------------------------------- rank */

static int
run_rank(struct task *t)
{
	uint32_t *lists = NULL;
	int status;

	if (!t->out)
		return ctl_usage(t->ctl, "--out FILE is missing");
	if (t->test)
		return ctl_usage(t->ctl, "--test goes with evaluate");
	status = read_table(t, t->train, &t->table);
	if (status == EX_OK)
		status = check_memory(t);
	if (status == EX_OK)
		status = train(t);
	if (status == EX_OK)
		status = rank(t, false, &lists);
	if (status != EX_OK)
		return status;
	if (table_write_lists(t->out, &t->table, lists, (size_t)t->top)) {
		fprintf(stderr, "mxmctl recommend: %s: %s\n", t->out,
		    strerror(errno));
		return EX_CANTCREAT;
	}
	if (t->ctl->json) {
		struct json *j = ctl_json(t->ctl);

		json_object(j);
		json_key(j, "users");
		json_int(j, t->table.users.n);
		json_key(j, "items");
		json_int(j, t->table.items.n);
		json_key(j, "loss");
		json_double(j, t->loss);
		json_key(j, "training_seconds");
		json_double(j, t->fit_seconds);
		json_object_end(j);
		return ctl_json_done(j, EX_OK);
	}
	return EX_OK;
}

/* --------------------------------------------------------------- evaluate */

/* The test file's triples by the numbers of the training; unknown ones last. */
static int
read_test(struct task *t)
{
	struct table test;
	int status = read_table(t, t->test, &test);

	if (status != EX_OK)
		return status;
	for (size_t i = 0; i < test.triples->n; i++) {
		struct triple *one = &test.triples->list[i];

		one->user =
		    names_find(&t->table.users, test.users.id[one->user]);
		one->item =
		    names_find(&t->table.items, test.items.id[one->item]);
	}
	t->held = test.triples;
	return EX_OK;
}

static void
quality_json(struct json *j, const char *name, const struct quality *q)
{
	json_key(j, name);
	json_object(j);
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
	json_object_end(j);
}

static int
print_json(
    struct task *t, const struct quality *ours, const struct quality *popular)
{
	struct json *j = ctl_json(t->ctl);

	json_object(j);
	json_key(j, "ratings");
	json_int(j, (int64_t)matrix_size(t->by_user));
	json_key(j, "held");
	json_int(j, (int64_t)t->held->n);
	json_key(j, "users");
	json_int(j, ours->users);
	json_key(j, "loss");
	json_double(j, t->loss);
	json_key(j, "training_seconds");
	json_double(j, t->fit_seconds);
	quality_json(j, "recommended", ours);
	quality_json(j, "popular", popular);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static void
print_quality(const char *name, const struct quality *q)
{
	printf("%-12s", name);
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %.4f +-%.4f", q->mean[m], q->error[m]);
	printf("  %.4f\n", q->coverage);
}

static int
print_both(
    struct task *t, const struct quality *ours, const struct quality *popular)
{
	if (t->ctl->json)
		return print_json(t, ours, popular);
	printf("%zu ratings, %zu held out of %" PRIu32 " users\n\n%-12s",
	    matrix_size(t->by_user), t->held->n, ours->users, "");
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %-14s", metric_name((enum metric)m));
	printf("  Coverage\n");
	print_quality("recommended", ours);
	print_quality("most popular", popular);
	return EX_OK;
}

static int
split_or_read(struct task *t)
{
	int status = read_table(t, t->train, &t->table);

	if (status != EX_OK)
		return status;
	if (t->test)
		return read_test(t);
	t->held = triples_new(t->mem);
	evaluate_split(t->table.triples, t->held);
	t->table.items.n =
	    evaluate_forget(t->table.triples, t->held, t->table.items.n);
	if (t->held->n > 0)
		return EX_OK;
	fprintf(stderr,
	    "mxmctl recommend: %s: nobody's last ratings hold 4 stars or more "
	    "to be found again\n",
	    t->train);
	return EX_DATAERR;
}

static int
run_evaluate(struct task *t)
{
	struct quality ours, popular;
	uint32_t *lists = NULL, *plain = NULL;
	int status;

	if (t->out)
		return ctl_usage(t->ctl, "--out goes with rank");
	t->top = EVALUATE_TOP;
	status = split_or_read(t);
	if (status == EX_OK)
		status = check_memory(t);
	if (status == EX_OK)
		status = train(t);
	if (status == EX_OK)
		status = rank(t, false, &lists);
	if (status == EX_OK)
		status = rank(t, true, &plain);
	if (status != EX_OK)
		return status;
	evaluate_lists(t->by_user, t->held, lists, (size_t)t->top, &ours);
	evaluate_lists(t->by_user, t->held, plain, (size_t)t->top, &popular);
	return print_both(t, &ours, &popular);
}

/* ------------------------------------------------------------------- tune */

static int
run_tune(struct task *t)
{
	int status;

	if (t->out || t->test)
		return ctl_usage(t->ctl, "tune takes --train alone");
	status = read_table(t, t->train, &t->table);
	if (status == EX_OK)
		status = check_memory(t);
	if (status == EX_OK)
		status = tune(t);
	if (status == EX_OK)
		fit_print(&t->fit, stdout);
	return status;
}

int
ctl_recommend(struct ctl *ctl, int argc, char **argv)
{
	struct task *t = mem_new(ctl->mem, struct task);
	int (*run)(struct task *) = NULL;
	int status;

	t->ctl = ctl;
	t->mem = t;
	t->top = 100;
	fit_defaults(&t->fit);
	if (argc > 1 && strcmp(argv[1], "rank") == 0)
		run = run_rank;
	else if (argc > 1 && strcmp(argv[1], "evaluate") == 0)
		run = run_evaluate;
	else if (argc > 1 && strcmp(argv[1], "tune") == 0)
		run = run_tune;
	else
		return ctl_usage(ctl, "say rank, evaluate or tune");
	status = read_options(t, argc - 1, argv + 1);
	if (status == EX_OK) {
		progress_init(&t->progress, t->quiet);
		catch_signals();
		status = run(t);
	}
	talloc_free(t);
	return status;
}
