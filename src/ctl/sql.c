/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl sql: prints the SQL statements of the program; mxmctl check sql:
 * prepares all of them against the migrated schema.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/conf.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/query.h"
#include "db/tx.h"

static void
put(struct json *j, const struct stmt_info *info, bool text)
{
	json_object(j);
	json_key(j, "name");
	json_text(j, info->name);
	json_key(j, "types");
	json_text(j, info->types);
	if (text) {
		json_key(j, "text");
		json_text(j, info->text);
	}
	json_object_end(j);
}

int
ctl_sql_show(struct ctl *ctl, int argc, char **argv)
{
	const struct stmt_info *info;
	struct json *j;
	int i = 0;

	(void)argc;
	while (
	    i < SQL__MAX && strcmp(stmt_info((enum stmt)i)->name, argv[1]) != 0)
		i++;
	if (i == SQL__MAX)
		return ctl_usage(ctl, "unknown statement \"%s\"", argv[1]);
	info = stmt_info((enum stmt)i);
	if (!ctl->json) {
		printf(
		    "-- %s (%s)\n%s;\n", info->name, info->types, info->text);
		return EX_OK;
	}
	j = ctl_json(ctl);
	put(j, info, true);
	return ctl_json_done(j, EX_OK);
}

int
ctl_sql(struct ctl *ctl, int argc, char **argv)
{
	struct json *j = ctl_json(ctl);
	int i;

	(void)argc;
	(void)argv;
	json_list(j);
	for (i = 0; i < SQL__MAX; i++) {
		const struct stmt_info *info = stmt_info((enum stmt)i);

		put(j, info, false);
		if (!ctl->json)
			printf("%s (%s)\n", info->name, info->types);
	}
	json_list_end(j);
	return ctl->json ? ctl_json_done(j, EX_OK) : EX_OK;
}

struct checking {
	struct ctl *ctl;
	struct db *db;
	int invalid;
};

static enum err
check_all(void *arg)
{
	struct checking *c = arg;
	const char *fault;
	enum err e;
	int i;

	c->invalid = 0;
	for (i = 0; i < SQL__MAX; i++) {
		e = query_check(c->ctl->mem, c->db, (enum stmt)i, &fault);
		if (e)
			return e;
		if (!fault)
			continue;
		fprintf(
		    stderr, "%s: %s\n", stmt_info((enum stmt)i)->name, fault);
		c->invalid++;
	}
	return ERR_OK;
}

int
ctl_check_sql(struct ctl *ctl, int argc, char **argv)
{
	struct checking c = { .ctl = ctl };
	struct json *j;
	enum err e;
	int status;

	(void)argc;
	(void)argv;
	c.db = db_new(ctl->mem, ctl->conf->database, 0);
	/* Always rolled back: the check creates temporary tables. */
	e = tx_try(c.db, check_all, &c);
	if (e)
		return ctl_failed(ctl, c.db, ERR_UNAVAILABLE);
	status = c.invalid ? EX_DATAERR : EX_OK;
	if (!ctl->json) {
		printf("%d statement%s, %d invalid\n", SQL__MAX,
		    PLURAL(SQL__MAX), c.invalid);
		return status;
	}
	j = ctl_json(ctl);
	json_object(j);
	json_key(j, "statements");
	json_int(j, SQL__MAX);
	json_key(j, "invalid");
	json_int(j, c.invalid);
	json_object_end(j);
	return ctl_json_done(j, status);
}
