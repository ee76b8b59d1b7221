/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl audit: the audit log of the changes of administrators.
 */
#include "base/base.h"

#include <sysexits.h>

#include "api/page.h"
#include "api/run.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/user.h"
#include "db/query.h"

#define LISTED     200
#define LISTED_MAX COUNT_MAX

static void
print_entry(const struct row *row)
{
	const char *who = row_text(row, "username");
	const char *os_user = row_text(row, "os_user");
	char iso[CLOCK_ISO_SIZE];

	clock_iso(iso, row_id(row, "at"));
	printf("%s  ", iso);
	if (os_user)
		printf("mxmctl:%-13s ", os_user);
	else
		printf("%-20s ", who ? who : row_text(row, "origin"));
	printf("%-7s %s %s  ", row_text(row, "action"), row_text(row, "kind"),
	    row_text(row, "thing_id"));
	ctl_put_plain(row_text(row, "label"));
	putchar('\n');
}

static void
put_entry(struct json *j, const struct row *row)
{
	static const char *const texts[] = { "username", "origin", "os_user",
		"request_id", "kind", "label", "action" };
	static const char *const documents[] = { "deleted_rows", "before",
		"after" };
	char iso[CLOCK_ISO_SIZE];
	size_t i;

	clock_iso(iso, row_id(row, "at"));
	json_object(j);
	json_key(j, "id");
	json_int(j, row_id(row, "id"));
	json_key(j, "at");
	json_text(j, iso);
	json_key(j, "thing_id");
	json_int(j, row_id(row, "thing_id"));
	for (i = 0; i < array_len(texts); i++) {
		json_key(j, texts[i]);
		json_text(j, row_text(row, texts[i]));
	}
	for (i = 0; i < array_len(documents); i++) {
		json_key(j, documents[i]);
		if (row_is_null(row, documents[i]))
			json_null(j);
		else
			json_raw(j, row_text(row, documents[i]));
	}
	json_object_end(j);
}

/* A number of an option; `otherwise` without it; -1: invalid. */
static int64_t
number(const struct ctl *ctl, const char *name, int64_t otherwise, int64_t most)
{
	const char *text = ctl_option(ctl, name);
	int64_t n = otherwise;

	if (text && (!text_to_int64(text, &n) || n < 1 || n > most))
		return -1;
	return n;
}

int
ctl_audit(struct ctl *ctl, int argc, char **argv)
{
	int64_t id = number(ctl, "--id", 0, INT64_MAX);
	int64_t limit = number(ctl, "--limit", LISTED, LISTED_MAX);
	struct db *db;
	struct rows rows;
	enum err e;

	(void)argc;
	(void)argv;
	if (id < 0)
		return ctl_usage(ctl, "--id: \"%s\" is not a number",
		    ctl_option(ctl, "--id"));
	if (limit < 0)
		return ctl_usage(ctl,
		    "--limit: \"%s\" is not a number from 1 to %d",
		    ctl_option(ctl, "--limit"), LISTED_MAX);
	db = ctl_database(ctl);
	e = query_all(ctl->mem, db, &rows, SQL_audit_list,
	    arg_text(ctl_option(ctl, "--kind")), id ? arg_id(id) : arg_null(),
	    arg_text(ctl_option(ctl, "--user")), arg_id(1), arg_id(limit));
	if (e)
		return ctl_failed(ctl, db, e);
	rows.count = rows_listed(&rows);
	return ctl_rows(ctl, &rows, print_entry, put_entry);
}
