/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl jobs: lists, retries and removes background jobs.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "base/json.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "db/query.h"

#define LISTED 200

static void
print_job(const struct row *row)
{
	const char *error = row_text(row, "last_error");

	printf("%-8" PRId64 " %-18s %-8s %d/%d  %s%s%s\n", row_id(row, "id"),
	    row_text(row, "name"), row_text(row, "state"),
	    row_int(row, "attempts"), row_int(row, "max_attempts"),
	    row_text(row, "at"), error ? "  " : "", error ? error : "");
}

static void
put_job(struct json *j, const struct row *row)
{
	static const char *const texts[] = { "name", "state", "created_at",
		"at", "last_error" };
	size_t i;

	json_object(j);
	json_key(j, "id");
	json_int(j, row_id(row, "id"));
	json_key(j, "attempts");
	json_int(j, row_int(row, "attempts"));
	json_key(j, "max_attempts");
	json_int(j, row_int(row, "max_attempts"));
	for (i = 0; i < array_len(texts); i++) {
		json_key(j, texts[i]);
		json_text(j, row_text(row, texts[i]));
	}
	json_object_end(j);
}

static void
print_count(const struct row *row)
{
	printf("%-18s %-8s %8" PRId64, row_text(row, "name"),
	    row_text(row, "state"), row_id(row, "jobs"));
	if (row_id(row, "waiting") > 0)
		printf("  due for %" PRId64 " s", row_id(row, "waiting"));
	putchar('\n');
}

static void
put_count(struct json *j, const struct row *row)
{
	json_object(j);
	json_key(j, "name");
	json_text(j, row_text(row, "name"));
	json_key(j, "state");
	json_text(j, row_text(row, "state"));
	json_key(j, "jobs");
	json_int(j, row_id(row, "jobs"));
	json_key(j, "waiting");
	json_int(j, row_id(row, "waiting"));
	json_object_end(j);
}

static int
list(struct ctl *ctl, struct db *db, int argc, char **argv)
{
	static const char *const states[] = { "open", "queued", "running",
		"failed", "done", "all" };
	const char *state = argc > 0 ? argv[0] : "open";
	struct rows rows;
	enum err e;
	size_t i;

	if (argc > 1)
		return ctl_usage(ctl, "unexpected argument \"%s\"", argv[1]);
	for (i = 0; i < array_len(states); i++)
		if (strcmp(states[i], state) == 0)
			break;
	if (i == array_len(states))
		return ctl_usage(ctl,
		    "unknown state \"%s\"; use open, queued, running, "
		    "failed, done or all",
		    state);
	e = query_all(ctl->mem, db, &rows, SQL_job_list, arg_text(state),
	    arg_int(LISTED));
	if (e)
		return ctl_failed(ctl, db, e);
	return ctl_rows(ctl, &rows, print_job, put_job);
}

static int
count(struct ctl *ctl, struct db *db, int argc, char **argv)
{
	struct rows rows;
	enum err e;

	if (argc > 0)
		return ctl_usage(ctl, "unexpected argument \"%s\"", argv[0]);
	e = query_all(ctl->mem, db, &rows, SQL_job_counts, NO_ARGS);
	if (e)
		return ctl_failed(ctl, db, e);
	return ctl_rows(ctl, &rows, print_count, put_count);
}

/* Prints how many rows were changed; none is a failure. */
static int
print_changed(struct ctl *ctl, long n, const char *what)
{
	if (ctl->json) {
		struct json *j = ctl_json(ctl);

		json_object(j);
		json_key(j, what);
		json_int(j, n);
		json_object_end(j);
		return ctl_json_done(j, n > 0 ? EX_OK : EX_DATAERR);
	}
	printf("%ld %s\n", n, what);
	return n > 0 ? EX_OK : EX_DATAERR;
}

/* Runs a statement for each of the given jobs. */
static int
each(struct ctl *ctl, struct db *db, enum stmt statement, const char *what,
    char **ids)
{
	long all = 0, n;
	int64_t id;
	enum err e;

	if (!*ids)
		return ctl_usage(ctl, "missing operand: a job id");
	for (; *ids; ids++) {
		if (!text_to_int64(*ids, &id))
			return ctl_usage(ctl, "\"%s\" is not a job id", *ids);
		e = query_exec(ctl->mem, db, &n, statement, arg_id(id));
		if (e)
			return ctl_failed(ctl, db, e);
		if (n == 0)
			fprintf(stderr,
			    "mxmctl %s: job %s does not exist or is in another "
			    "state\n",
			    ctl->command, *ids);
		all += n;
	}
	return print_changed(ctl, all, what);
}

static int
retry(struct ctl *ctl, struct db *db, int argc, char **argv)
{
	enum err e;
	long n;

	if (argc != 1 || strcmp(argv[0], "failed") != 0)
		return each(ctl, db, SQL_job_retry, "queued", argv);
	e = query_exec(ctl->mem, db, &n, SQL_job_retry_failed, NO_ARGS);
	if (e)
		return ctl_failed(ctl, db, e);
	return print_changed(ctl, n, "queued");
}

static int
remove_jobs(struct ctl *ctl, struct db *db, int argc, char **argv)
{
	(void)argc;
	return each(ctl, db, SQL_job_remove, "removed", argv);
}

static const struct {
	const char *name;
	int (*run)(struct ctl *ctl, struct db *db, int argc, char **argv);
} verbs[] = {
	{ "count", count },
	{ "list", list },
	{ "remove", remove_jobs },
	{ "retry", retry },
};

int
ctl_jobs(struct ctl *ctl, int argc, char **argv)
{
	const char *verb;
	struct db *db;
	int i, n = 0;
	size_t v;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	verb = n > 0 ? argv[0] : "list";
	db = db_new(
	    ctl->mem, ctl->conf->database, (long)ctl->conf->statement_timeout);
	for (v = 0; v < array_len(verbs); v++)
		if (strcmp(verbs[v].name, verb) == 0)
			return verbs[v].run(
			    ctl, db, n > 0 ? n - 1 : 0, argv + (n > 0));
	return ctl_usage(ctl, "unknown subcommand \"%s\"", verb);
}
