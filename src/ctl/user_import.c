/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl user import: what a user has stored at another site.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <sysexits.h>

#include "base/json.h"
#include "base/mem.h"
#include "ctl/stop.h"
#include "ctl/user.h"
#include "import/history.h"
#include "import/progress.h"

#define STEPS         100
#define STRICT_FAILED 1 /* as mxmctl import */

/* Below ctl->mem; NULL after a message. */
static char *
read_file(struct ctl *ctl, const char *path, size_t *n)
{
	FILE *file = fopen(path, "re");
	const char *why = NULL;
	char *data = NULL;
	struct stat st = { 0 };

	if (!file || fstat(fileno(file), &st) < 0)
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "not a regular file";
	else if ((size_t)st.st_size > HISTORY_BYTES_MAX)
		why = "larger than 64 MiB";
	if (!why) {
		data = mem_array(ctl->mem, char, st.st_size + 1);
		*n = fread(data, 1, (size_t)st.st_size, file);
		if (ferror(file))
			why = strerror(errno);
	}
	if (file)
		fclose(file);
	if (why)
		ctl_error(ctl, "%s: %s\n", path, why);
	return why ? NULL : data;
}

static void
show_progress(struct history_import *h, int percent)
{
	progress_at(h->arg, percent);
}

static int
fail(struct ctl *ctl, const struct history_import *h, enum err e)
{
	if (ctl_stop) {
		ctl_error(ctl, "interrupted; nothing was changed\n");
		return 128 + ctl_stop;
	}
	if (!h->failure)
		return ctl_failed(ctl, h->db, e);
	ctl_error(ctl, "%s; nothing was changed\n", h->why);
	return EX_DATAERR;
}

static int
print_result(struct ctl *ctl, const struct history_import *h)
{
	struct json *j = ctl_json(ctl);
	int status =
	    ctl_option(ctl, "--strict") && report_faults(&h->report) > 0 ?
		STRICT_FAILED :
		EX_OK;

	if (ctl->json) {
		json_raw(j, h->json);
		return ctl_json_done(j, status);
	}
	fputs(h->notes, stderr);
	report_print(&h->report, stdout);
	if (h->dry_run)
		fputs("dry run, nothing was changed\n", stderr);
	return status;
}

int
user_import(struct ctl *ctl, struct db *db, const struct row *user,
    const struct user_options *options)
{
	struct progress progress;
	struct history_import h = {
		.db = db,
		.mem = ctl->mem,
		.user_id = row_id(user, "id"),
		.name = options->operands[1],
		.dry_run = ctl_option(ctl, "--dry-run") != NULL,
		.replace = ctl_option(ctl, "--replace") != NULL,
		.stop = &ctl_stop,
		.progress = show_progress,
		.arg = &progress,
	};
	enum err e;

	h.data = read_file(ctl, h.name, &h.len);
	if (!h.data)
		return EX_NOINPUT;
	progress_init(&progress, ctl_shows_progress(ctl));
	stop_catch_signals();
	progress_begin(&progress, "importing", STEPS);
	e = history_import(&h);
	progress_clear(&progress);
	if (e)
		return fail(ctl, &h, e);
	progress_end(&progress);
	return print_result(ctl, &h);
}
