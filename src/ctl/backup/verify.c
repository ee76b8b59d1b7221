/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl verify: whether the file of a backup is complete and undamaged,
 * whether this version can restore it, and what is in it. It needs neither
 * settings nor a database.
 */
#include "base/base.h"

#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "ctl/backup/backup.h"
#include "ctl/stop.h"
#include "db/migrate.h"

struct task {
	struct ctl *ctl;
	struct program *restore;
};

static int
ignore(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return EX_OK;
}

static int
take_dump(void *arg, const void *p, size_t n)
{
	struct task *t = arg;

	return program_feed(t->ctl, t->restore, p, n, ignore, NULL);
}

/* All of the dump is read, by making a script of it. */
static int
check(struct task *t, struct unpack *u, struct progress *shown)
{
	static const char *const argv[] = { "pg_restore", "--file=/dev/null",
		NULL };
	const struct unpack_sink sink = { .dump = take_dump, .arg = t };
	const char *const *env = (const char *const *)(uintptr_t)environ;
	int status = program_start(t->ctl, argv, env, NULL, &t->restore);

	if (status == EX_OK)
		status = unpack_run(u, &sink, shown);
	if (status == EX_OK)
		status =
		    program_feed(t->ctl, t->restore, NULL, 0, ignore, NULL);
	return status == EX_OK ? program_end(t->ctl, t->restore) : status;
}

static int
report(struct ctl *ctl, const struct backup_facts *facts)
{
	int missing = migrate_newest() - facts->schema;
	struct json *j;

	if (!ctl->json) {
		backup_print(ctl, NULL, facts);
		if (missing > 0)
			printf("complete; restore will apply %d migration%s\n",
			    missing, missing == 1 ? "" : "s");
		else
			printf("complete\n");
		return EX_OK;
	}
	j = ctl_json(ctl);
	json_object(j);
	backup_print(ctl, j, facts);
	json_key(j, "missing_migrations");
	json_int(j, missing);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
ctl_verify(struct ctl *ctl, int argc, char **argv)
{
	struct task t = { .ctl = ctl };
	const char *path = argv[1];
	struct progress shown;
	struct unpack *u;
	struct stat st;
	int status;

	(void)argc;
	stop_catch_signals();
	(void)signal(SIGPIPE, SIG_IGN);
	progress_init(&shown, ctl_shows_progress(ctl));
	status = unpack_open(ctl, path, &u);
	progress_begin(&shown, "verify", stat(path, &st) == 0 ? st.st_size : 0);
	if (status == EX_OK)
		status = check(&t, u, &shown);
	progress_clear(&shown);
	return status == EX_OK ? report(ctl, unpack_facts(u)) : status;
}
