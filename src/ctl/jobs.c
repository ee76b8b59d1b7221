/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl jobs: lists, retries and removes background jobs.
 */
#include "base/base.h"

#include <sysexits.h>

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

int
ctl_jobs_list(struct ctl *ctl, int argc, char **argv)
{
	struct db *db = ctl_database(ctl);
	struct rows rows;
	enum err e;

	e = query_all(ctl->mem, db, &rows, SQL_job_list,
	    arg_text(argc > 1 ? argv[1] : "open"), arg_int(LISTED));
	if (e)
		return ctl_failed(ctl, db, e);
	return ctl_rows(ctl, &rows, print_job, put_job);
}

int
ctl_jobs_count(struct ctl *ctl, int argc, char **argv)
{
	struct db *db = ctl_database(ctl);
	struct rows rows;
	enum err e;

	(void)argc;
	(void)argv;
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
each(struct ctl *ctl, enum stmt statement, const char *what, char **ids)
{
	struct db *db = ctl_database(ctl);
	long all = 0, n;
	int64_t id;
	enum err e;
	char **p;

	for (p = ids; *p; p++)
		if (!text_to_int64(*p, &id))
			return ctl_usage(ctl, "\"%s\" is not a job id", *p);
	for (p = ids; *p; p++) {
		(void)text_to_int64(*p, &id);
		e = query_exec(ctl->mem, db, &n, statement, arg_id(id));
		if (e)
			return ctl_failed(ctl, db, e);
		if (n == 0)
			ctl_error(ctl,
			    "job %s does not exist or is in another "
			    "state\n",
			    *p);
		all += n;
	}
	return print_changed(ctl, all, what);
}

int
ctl_jobs_retry(struct ctl *ctl, int argc, char **argv)
{
	struct db *db = ctl_database(ctl);
	enum err e;
	long n;

	if (argc != 2 || strcmp(argv[1], "failed") != 0)
		return each(ctl, SQL_job_retry, "queued", argv + 1);
	e = query_exec(ctl->mem, db, &n, SQL_job_retry_failed, NO_ARGS);
	if (e)
		return ctl_failed(ctl, db, e);
	return print_changed(ctl, n, "queued");
}

int
ctl_jobs_remove(struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	return each(ctl, SQL_job_remove, "removed", argv + 1);
}
